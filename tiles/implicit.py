"""A published tileset once more with implicit tiling (3D Tiles 1.1, OGC 22-025r4 section 7).

Our tree is no plain quadtree: cells are loose, small neighbours share a leaf, what no cell parts is
cut by height. It is laid into a quadtree all the same: a child takes the quadrant it lies in, or
the next free one, and nodes with more than four children get steps in between. Every tile brings
its own box and geometric error in the subtree's metadata (TILE_BOUNDING_BOX, TILE_GEOMETRIC_ERROR
of the 3D Metadata Semantic Reference), so nothing is looser or coarser than in the explicit form.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from models.files import write_whole
from tiles.code import code_digest
from tiles.errors import StoreError
from tiles.implicit_tree import Spot, laid_out
from tiles.store.base import ROOT, Reader
from tiles.store.directory import pack

JsonObject: TypeAlias = dict[str, Any]

#: Levels of a subtree: 341 tiles, a file of some kilobytes.
LEVELS: Final = 5
_TILES: Final = (4**LEVELS - 1) // 3
_CONTENT: Final = "{version}/content/{level}/{x}/{y}.glb"
_SUBTREES: Final = "{version}/subtrees/{level}/{x}/{y}.subtree"
_VERSION: Final = re.compile("[0-9a-f]{32}")
#: Folders of exports by versions of this program that had no folder for each of theirs.
_UNVERSIONED: Final = ("content", "subtrees")
_ALIGN: Final = 8
_TILE_CLASS: Final[JsonObject] = {
    "properties": {
        "bounding_box": {
            "type": "SCALAR",
            "componentType": "FLOAT64",
            "array": True,
            "count": 12,
            "required": True,
            "semantic": "TILE_BOUNDING_BOX",
        },
        "geometric_error": {
            "type": "SCALAR",
            "componentType": "FLOAT64",
            "required": True,
            "semantic": "TILE_GEOMETRIC_ERROR",
        },
    }
}


@dataclass(frozen=True, slots=True)
class Export:
    """What was written: ``tiles`` of the tree (steps in between included), ``contents`` and
    ``subtrees`` files."""

    tiles: int
    contents: int
    subtrees: int


def write_implicit(store: Reader, folder: Path) -> Export:
    """Write the tileset that ``store`` has published into ``folder``, gzipped as it is there.

    A file lies as ``<name>.gz``, as in :class:`tiles.store.directory.DirectoryStore`: a web server
    that sends such files (``gzip_static``) serves the folder, and sizes and far views are those of
    the published tileset. All but the root go into a folder of this version, whose name is in the
    root's templates; the root is written last, so that an older export stays whole until then, and
    then that one's files are removed, plain ones too. Raises :class:`tiles.errors.StoreError`,
    and :class:`tiles.errors.TilesetError` for an archive that is damaged.
    """
    try:
        return _written(store, folder)
    except OSError as error:
        why = error.strerror or error
        raise StoreError(
            f"The implicit tileset cannot be written into {folder}: {why}. "
            "Check that the folder can be made, has room and may be written to.",
            f"隐式切片无法写入 {folder}：{why}。请检查该目录能否创建、磁盘空间和写入权限。",
        ) from error


def _written(store: Reader, folder: Path) -> Export:
    """See :func:`write_implicit`; raises OSError where the folder cannot be written to."""
    published = store.get(ROOT)
    document = orjson.loads(published.decoded())
    version = hashlib.blake2b(code_digest() + published.digest.encode(), digest_size=16).hexdigest()
    spots = laid_out(document["root"], lambda uri: store.get(uri).decoded())
    levels = 1 + max(spot.level for spot in spots)

    def put(name: str, packed: bytes) -> None:
        target = folder / f"{name}.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, packed)

    contents = subtrees = 0
    for spot in spots:
        if spot.uri is not None:
            name = _filled(_CONTENT, version, spot.level, spot.x, spot.y)
            stored = store.get(spot.uri)
            put(name, stored.data if stored.encoding == "gzip" else pack(stored.data))
            contents += 1
    for (level, x, y), data in _subtrees(spots):
        put(_filled(_SUBTREES, version, level, x, y), pack(data))
        subtrees += 1
    put(ROOT, pack(orjson.dumps(_document(document, spots[0], levels, version, bool(contents)))))
    (folder / ROOT).unlink(missing_ok=True)
    for old in folder.iterdir():
        stale = _VERSION.fullmatch(old.name) is not None or old.name in _UNVERSIONED
        if stale and old.name != version and old.is_dir():
            shutil.rmtree(old)
    return Export(len(spots), contents, subtrees)


def _document(
    explicit: JsonObject, root: Spot, levels: int, version: str, contents: bool
) -> JsonObject:
    """tileset.json: that of the explicit one with another root."""
    schema = dict(explicit.get("schema", {"id": "cim_twin_tiles"}))
    schema["classes"] = {**schema.get("classes", {}), "tile": _TILE_CLASS}
    tile: JsonObject = {
        "boundingVolume": {"box": root.box.tolist()},
        "geometricError": root.error,
        "refine": "REPLACE",
        "implicitTiling": {
            "subdivisionScheme": "QUADTREE",
            "subtreeLevels": LEVELS,
            "availableLevels": levels,
            "subtrees": {"uri": _SUBTREES.replace("{version}", version)},
        },
    }
    if contents:
        tile["content"] = {"uri": _CONTENT.replace("{version}", version)}
    if "transform" in explicit["root"]:
        tile["transform"] = explicit["root"]["transform"]
    return explicit | {"schema": schema, "root": tile}


def _subtrees(spots: list[Spot]) -> Iterator[tuple[tuple[int, int, int], bytes]]:
    """Subtree files by the coordinates of their root."""
    groups: dict[tuple[int, int, int], list[Spot]] = {}
    for spot in spots:
        down = spot.level % LEVELS
        groups.setdefault((spot.level - down, spot.x >> down, spot.y >> down), []).append(spot)
    for (level, x, y), own in groups.items():
        below = [
            (sub_x - (x << LEVELS), sub_y - (y << LEVELS))
            for sub_level, sub_x, sub_y in groups
            if (sub_level, sub_x >> LEVELS, sub_y >> LEVELS) == (level + LEVELS, x, y)
        ]
        yield (level, x, y), _subtree(own, level, x, y, below)


def _subtree(own: list[Spot], level: int, x: int, y: int, below: list[tuple[int, int]]) -> bytes:
    at = {_index(spot, level, x, y): spot for spot in own}
    order = [at[index] for index in sorted(at)]
    views: list[JsonObject] = []
    binary = bytearray()

    def add(data: bytes) -> int:
        binary.extend(bytes(-len(binary) % _ALIGN))
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
        binary.extend(data)
        return len(views) - 1

    boxes = np.array([spot.box for spot in order], "<f8")
    errors = np.array([spot.error for spot in order], "<f8")
    filled = [index for index, spot in at.items() if spot.uri is not None]
    out: JsonObject = {
        "tileAvailability": _bits(list(at), _TILES, add),
        "contentAvailability": [_bits(filled, _TILES, add)],
        "childSubtreeAvailability": _bits([morton(*spot) for spot in below], 4**LEVELS, add),
        "tileMetadata": 0,
        "propertyTables": [
            {
                "class": "tile",
                "count": len(order),
                "properties": {
                    "bounding_box": {"values": add(boxes.tobytes())},
                    "geometric_error": {"values": add(errors.tobytes())},
                },
            }
        ],
    }
    binary.extend(bytes(-len(binary) % _ALIGN))
    out |= {"buffers": [{"byteLength": len(binary)}], "bufferViews": views}
    text = orjson.dumps(out)
    text += b" " * (-len(text) % _ALIGN)
    return struct.pack("<4sIQQ", b"subt", 1, len(text), len(binary)) + text + bytes(binary)


def _bits(indices: list[int], count: int, add: Callable[[bytes], int]) -> JsonObject:
    """Availability of ``count`` elements, of which ``indices`` are there."""
    if len(indices) in (0, count):
        return {"constant": int(bool(indices))}
    bits: npt.NDArray[np.uint8] = np.zeros(count, np.uint8)
    bits[indices] = 1
    packed = np.packbits(bits, bitorder="little").tobytes()
    return {"bitstream": add(packed), "availableCount": len(indices)}


def _index(spot: Spot, level: int, x: int, y: int) -> int:
    """The place of a tile's bit: level by level, in Morton order."""
    down = spot.level - level
    return int((4**down - 1) // 3) + morton(spot.x - (x << down), spot.y - (y << down))


def morton(x: int, y: int) -> int:
    """The bits of ``x`` and ``y`` in turn, x lowest."""
    bits = max(x.bit_length(), y.bit_length())
    return sum((x >> b & 1) << 2 * b | (y >> b & 1) << 2 * b + 1 for b in range(bits))


def _filled(template: str, version: str, level: int, x: int, y: int) -> str:
    return template.format(version=version, level=level, x=x, y=y)
