"""A subtree file of implicit tiling: which tiles, contents and subtrees are there.

3D Tiles 1.1 (OGC 22-025r4) section 7.6; property tables of tiles by the 3D Metadata Semantic
Reference.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

JsonObject: TypeAlias = dict[str, Any]

VOLUMES: Final = {
    "TILE_BOUNDING_BOX": ("box", 12),
    "TILE_BOUNDING_REGION": ("region", 6),
    "TILE_BOUNDING_SPHERE": ("sphere", 4),
}


@dataclass(frozen=True, slots=True)
class Bits:
    """Availability: a constant or one bit an element; ``stated`` is availableCount if given."""

    constant: bool | None
    bits: npt.NDArray[np.uint8]
    stated: int | None = None

    def __getitem__(self, index: int) -> bool:
        return bool(self.bits[index]) if self.constant is None else self.constant


@dataclass(slots=True)
class Subtree:
    """A subtree's availability, the columns of its tile metadata by semantic, and the ``classes``
    of its metadata."""

    tiles: Bits
    contents: list[Bits]
    children: Bits
    columns: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)

    def row(self, index: int) -> int:
        """The row of metadata of the tile at ``index``: the number of tiles before it."""
        return index if self.tiles.constant else int(self.tiles.bits[:index].sum())


def parse(
    data: bytes,
    dimensions: int,
    levels: int,
    contents: int,
    fetch: Callable[[str], bytes],
    schema: JsonObject,
) -> Subtree:
    """A subtree file, binary or JSON (3D Tiles 1.1 section 7.6). Raises ValueError, KeyError."""
    document, binary = _split(data)
    buffers = [
        fetch(buffer["uri"]) if "uri" in buffer else binary
        for buffer in document.get("buffers", [])
    ]

    def view(index: int) -> bytes:
        place = document["bufferViews"][index]
        start = place.get("byteOffset", 0)
        out: bytes = buffers[place["buffer"]][start : start + place["byteLength"]]
        if len(out) != place["byteLength"]:
            raise ValueError(f"a buffer view of {place['byteLength']} bytes beyond its buffer")
        return out

    base = 1 << dimensions
    tiles = (base**levels - 1) // (base - 1)
    specs = document.get("contentAvailability", [])
    specs = specs if isinstance(specs, list) else [specs]
    out = Subtree(
        _bits(document["tileAvailability"], tiles, view),
        [_bits(spec, tiles, view) for spec in specs[:contents]],
        _bits(document["childSubtreeAvailability"], base**levels, view),
    )
    for bits, what in [(out.tiles, "tiles"), *((bits, "contents") for bits in out.contents)]:
        if bits.constant is None and bits.stated not in (None, int(bits.bits.sum())):
            out.faults.append(("TSC-62", f"{bits.stated} {what}", str(int(bits.bits.sum()))))
    out.classes = {str(table["class"]) for table in document.get("propertyTables", [])}
    if "tileMetadata" in document:
        table = document["propertyTables"][document["tileMetadata"]]
        out.columns = _columns(table, view, schema)
    return out


def _split(data: bytes) -> tuple[JsonObject, bytes]:
    if data[:4] != b"subt":
        return orjson.loads(data), b""
    version, first, second = struct.unpack_from("<IQQ", data, 4)
    if version != 1 or 24 + first + second > len(data):
        raise ValueError(f"a subtree of version {version} and {len(data)} bytes")
    return orjson.loads(data[24 : 24 + first]), data[24 + first : 24 + first + second]


def _bits(spec: JsonObject, count: int, view: Callable[[int], bytes]) -> Bits:
    if "constant" in spec:
        return Bits(bool(spec["constant"]), np.empty(0, np.uint8))
    place = spec["bitstream"] if "bitstream" in spec else spec["bufferView"]
    data = np.frombuffer(view(place), np.uint8)
    if len(data) * 8 < count:
        raise ValueError(f"{len(data) * 8} availability bits of {count}")
    bits = np.unpackbits(data, count=count, bitorder="little")
    return Bits(None, bits, spec.get("availableCount"))


def _columns(
    table: JsonObject, view: Callable[[int], bytes], schema: JsonObject
) -> dict[str, npt.NDArray[np.float64]]:
    properties = schema.get("classes", {}).get(table["class"], {}).get("properties", {})
    out = {}
    for name, spec in properties.items():
        semantic = spec.get("semantic", "")
        width = 1 if semantic == "TILE_GEOMETRIC_ERROR" else VOLUMES.get(semantic, ("", 0))[1]
        if width and name in table.get("properties", {}):
            kind = {"FLOAT32": "<f4", "FLOAT64": "<f8"}[spec["componentType"]]
            data = np.frombuffer(view(table["properties"][name]["values"]), kind)
            out[semantic] = data[: table["count"] * width].reshape(-1, width).astype(np.float64)
    return out
