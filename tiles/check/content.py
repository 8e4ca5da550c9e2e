"""Decodes a tile's content of any kind into points in tile coordinates and ids of features.

Kinds: glTF and GLB (3D Tiles 1.1), b3dm, i3dm, pnts and cmpt (3D Tiles 1.0, OGC 18-053r2 sections
7.2 to 7.5). What a decoder stumbles over becomes a problem (code, found, expected), never an
exception.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson

from tiles.check import legacy
from tiles.check.files import OutsideError, TooLargeError
from tiles.check.gltf import BudgetError, Gltf, split_glb
from tiles.check.report import Limits
from tiles.check.tables import (
    U64,
    batch_faults,
    batch_ids,
    faults,
    hashes,
    property_tables,
    table_ids,
)
from tiles.check.waste import extension_faults, unused_accessors, unused_bytes
from tiles.content import F64
from tiles.errors import TileNotFoundError, TilesetError

#: What a broken file makes a decoder raise.
DECODE_ERRORS: Final = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RuntimeError,
    struct.error,
    TilesetError,
)
_EXPECTED: Final = "glTF, GLB, b3dm, i3dm, pnts, cmpt"
#: Columns: glTF x, y, z as tile x, y, z when that axis is up (3D Tiles 1.1 section 6.7.1.6).
UP: Final[dict[str, F64]] = {
    "Y": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "Z": np.eye(3),
    "X": np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]),
}


@dataclass(slots=True)
class Decoded:
    """What a content draws. ``points`` in tile coordinates; ``features`` hashes of ids, ``rows``
    features without ids; ``undecoded`` names what could not be placed; ``images`` URIs of textures
    in files of their own."""

    kinds: list[str] = field(default_factory=list)
    points: list[F64] = field(default_factory=list)
    triangles: int = 0
    vertices: int = 0
    draw_calls: int = 0
    features: list[U64] = field(default_factory=list)
    rows: int = 0
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    undecoded: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)


def decode(
    data: bytes, up: str, fetch: Callable[[str], bytes], limits: Limits, depth: int = 0
) -> Decoded:
    """Decode ``data`` with axis ``up`` of its glTF; ``fetch`` reads a URI beside it."""
    out = Decoded()
    try:
        _decode(data, out, up, fetch, limits, depth)
    except BudgetError as error:
        out.problems.append(("TSC-06", str(error), f"{limits.content_points} vertices"))
    except TileNotFoundError as error:
        out.problems.append(("TSC-01", str(error), "every file that is named"))
    except OutsideError as error:
        out.problems.append(("TSC-03", str(error), "a relative URI within the folder"))
    except TooLargeError as error:
        out.problems.append(("TSC-06", str(error), f"{limits.content_bytes} bytes"))
    except DECODE_ERRORS as error:
        out.problems.append(("TSC-08", _told(error), "a whole, valid file"))
    return out


def _decode(
    data: bytes,
    out: Decoded,
    up: str,
    fetch: Callable[[str], bytes],
    limits: Limits,
    depth: int,
) -> None:
    magic = data[:4]
    if magic == b"glTF":
        out.kinds.append("glb")
        _gltf(Gltf(*split_glb(data), fetch, *_budget(limits)), out, UP[up], None)
    elif magic == b"b3dm":
        out.kinds.append("b3dm")
        _b3dm(legacy.parts(data), out, up, fetch, limits)
    elif magic == b"i3dm":
        out.kinds.append("i3dm")
        _i3dm(legacy.parts(data), out, up, fetch, limits)
    elif magic == b"pnts":
        out.kinds.append("pnts")
        _pnts(legacy.parts(data), out, limits)
    elif magic == b"cmpt":
        out.kinds.append("cmpt")
        if depth > 3:
            raise ValueError("composites nested more than three deep")
        for inner in legacy.composite(data):
            _decode(inner, out, up, fetch, limits, depth + 1)
    elif data.lstrip()[:1] == b"{":
        out.kinds.append("gltf")
        document = orjson.loads(data)
        _gltf(Gltf(document, b"", fetch, *_budget(limits)), out, UP[up], None)
    else:
        out.kinds.append("unknown")
        out.problems.append(("TSC-08", f"a file that starts with {magic!r}", _EXPECTED))


def _gltf(gltf: Gltf, out: Decoded, turn: F64, places: F64 | None) -> list[Any]:
    """Add a glTF to ``out``, drawn at each of ``places`` (k, 4, 4); gives its batch ids."""
    rtc = gltf.json.get("extensions", {}).get("CESIUM_RTC", {}).get("center", (0.0, 0.0, 0.0))
    batches: list[Any] = []
    drawn: dict[int, list[Any]] = {}
    copies = 1 if places is None else len(places)
    for mesh in gltf.meshes():
        out.draw_calls += 1
        out.triangles += mesh.triangles * copies
        out.vertices += mesh.vertices * copies
        if len(mesh.points):
            points = mesh.points @ turn.T + np.asarray(rtc, np.float64)
            out.points.append(points if places is None else _placed(points, places))
        if mesh.batch_ids is not None:
            batches.append(mesh.batch_ids)
        for table, used, stated in mesh.ids:
            if stated is not None and stated != len(used):
                out.problems.append(("TSC-47", str(len(used)), str(stated)))
            if table is not None:
                drawn.setdefault(table, []).append(used)
    _tables(gltf, out, drawn)
    for image in gltf.json.get("images", []):
        if "uri" in image and not image["uri"].startswith("data:"):
            out.images.append(image["uri"])
    for code, name, place in extension_faults(gltf.json):
        out.problems.append((code, name, place))
    wasted = unused_bytes(gltf)
    if wasted:
        out.problems.append(("TSC-35", f"{wasted} bytes", "0 bytes"))
    spare = unused_accessors(gltf.json)
    if spare:
        out.problems.append(("TSC-36", _some(spare), "none"))
    return batches


def _tables(gltf: Gltf, out: Decoded, drawn: dict[int, list[Any]]) -> None:
    for number, table in enumerate(property_tables(gltf)):
        problems = [("TSC-46", *fault) for fault in faults(gltf, table)]
        out.problems += problems
        ids = None if problems else table_ids(gltf, table)
        used = drawn.get(number)
        opaque = used is None and bool(out.undecoded)  # feature ids are in what was not decoded
        _rows(out, int(table["count"]), ids, None if opaque or problems else used or [])


def _rows(out: Decoded, count: int, ids: list[Any] | None, drawn: list[Any] | None) -> None:
    """Compare a table's rows with the feature ids drawn (None: not known)."""
    if ids is None:
        out.rows += count
    else:
        keys = hashes(ids)
        out.features.append(keys)
        _, first, times = np.unique(keys, return_index=True, return_counts=True)
        twice = first[times > 1]
        if len(twice):
            out.problems.append(("TSC-44", _some([ids[at] for at in twice]), "once"))
    if drawn is None:
        return
    used = np.unique(np.concatenate(drawn)) if drawn else np.empty(0, np.int64)
    beyond = used[(used < 0) | (used >= count)]
    if len(beyond):
        out.problems.append(("TSC-42", _some(beyond.tolist()), f"0..{count - 1}"))
    idle = count - (len(used) - len(beyond))
    if idle > 0:
        out.problems.append(("TSC-43", str(idle), "0"))


def _b3dm(
    tile: legacy.Parts, out: Decoded, up: str, fetch: Callable[[str], bytes], limits: Limits
) -> None:
    gltf = Gltf(*split_glb(tile.body), fetch, *_budget(limits))
    start = len(out.points)
    drawn = _gltf(gltf, out, UP[up], None)
    centre = tile.vector("RTC_CENTER")
    if centre is not None:
        out.points[start:] = [points + centre for points in out.points[start:]]
    count = int(tile.features.get("BATCH_LENGTH", 0))
    if count:
        _batch(tile, out, count, None if out.undecoded else drawn)


def _i3dm(
    tile: legacy.Parts, out: Decoded, up: str, fetch: Callable[[str], bytes], limits: Limits
) -> None:
    body = tile.body
    if tile.external:
        body = fetch(body.rstrip(b" \0").decode())
    gltf = Gltf(*split_glb(body), fetch, *_budget(limits))
    places = legacy.instances(tile, limits.content_points)
    _gltf(gltf, out, UP[up], places)
    ids = tile.column("BATCH_ID", len(places))
    count = len(places) if ids is None else int(ids.max()) + 1
    _batch(tile, out, count, [np.arange(count) if ids is None else np.unique(ids)])


def _pnts(tile: legacy.Parts, out: Decoded, limits: Limits) -> None:
    count = int(tile.features["POINTS_LENGTH"])
    if count > limits.content_points:
        raise BudgetError("more points than the limit")
    out.draw_calls += 1
    out.vertices += count
    if "3DTILES_draco_point_compression" in tile.features.get("extensions", {}):
        out.undecoded.append("Draco points")
        return
    out.points.append(legacy.positions(tile, count))
    if "BATCH_ID" in tile.features:
        length = int(tile.features.get("BATCH_LENGTH", 0))
        ids = tile.column("BATCH_ID", count)
        _batch(tile, out, length, [] if ids is None else [np.unique(ids)])


def _batch(tile: legacy.Parts, out: Decoded, count: int, drawn: list[Any] | None) -> None:
    problems = [("TSC-46", *f) for f in batch_faults(tile.batch, tile.batch_binary, count)]
    out.problems += problems
    ids = None if problems else batch_ids(tile.batch, tile.batch_binary, count)
    _rows(out, count, ids, drawn)


def _placed(points: F64, places: F64) -> F64:
    turned = points @ np.swapaxes(places[:, :3, :3], 1, 2) + places[:, None, :3, 3]
    out: F64 = turned.reshape(-1, 3)
    return out


def _budget(limits: Limits) -> tuple[int, int]:
    return limits.content_points, limits.content_bytes


def _some(values: list[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:3])
    return shown if len(values) <= 3 else f"{shown}, … ({len(values)})"


def _told(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}"[:200]
