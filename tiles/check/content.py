"""Decodes a tile's content of any kind into points in tile coordinates and ids of features.

Kinds: glTF and GLB (3D Tiles 1.1), b3dm, i3dm, pnts and cmpt (3D Tiles 1.0, OGC 18-053r2 sections
7.2 to 7.5). What a decoder stumbles over becomes a problem (code, found, expected), never an
exception.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import orjson

from tiles.check import legacy
from tiles.check.decoded import Decoded, add_gltf, add_rows
from tiles.check.files import OutsideError, TooLargeError
from tiles.check.gltf import Gltf
from tiles.check.gltf_buffers import CHUNK_HEADER, BudgetError, split_glb
from tiles.check.report import Limits
from tiles.check.tables import batch_faults, batch_ids
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
#: Contents of extensions and drafts, which are not decoded: archives within, vectors, geometry.
_OTHERS: Final = {b"PK\x03\x04": "3tz", b"vctr": "vctr", b"geom": "geom"}
_EXPECTED: Final = "glTF, GLB, b3dm, i3dm, pnts, cmpt"
#: Columns: glTF x, y, z as tile x, y, z when that axis is up (3D Tiles 1.1 section 6.7.1.6).
UP: Final[dict[str, F64]] = {
    "Y": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "Z": np.eye(3),
    "X": np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]),
}


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
        add_gltf(_glb(data, out, fetch, limits), out, UP[up], None)
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
        document = orjson.loads(data)
        if "asset" not in document and "type" in document:
            out.kinds.append("geojson")
            out.undecoded.append("GeoJSON")
            return
        out.kinds.append("gltf")
        add_gltf(Gltf(document, b"", fetch, *_budget(limits)), out, UP[up], None)
    elif magic in _OTHERS:
        out.kinds.append(_OTHERS[magic])
        out.undecoded.append(_OTHERS[magic])
    else:
        out.kinds.append("unknown")
        out.problems.append(("TSC-08", f"a file that starts with {magic!r}", _EXPECTED))


def _b3dm(
    tile: legacy.Parts, out: Decoded, up: str, fetch: Callable[[str], bytes], limits: Limits
) -> None:
    gltf = _glb(tile.body, out, fetch, limits)
    start = len(out.points)
    drawn = add_gltf(gltf, out, UP[up], None)
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
    gltf = _glb(body, out, fetch, limits)
    places = legacy.instances(tile, limits.content_points)
    add_gltf(gltf, out, UP[up], places)
    ids = tile.column("BATCH_ID", len(places))
    count = len(places) if ids is None else int(ids.max()) + 1
    _batch(tile, out, count, [np.arange(count) if ids is None else np.unique(ids)])


def _pnts(tile: legacy.Parts, out: Decoded, limits: Limits) -> None:
    count = int(tile.features["POINTS_LENGTH"])
    if count > limits.content_points:
        raise BudgetError("more points than the limit")
    out.draw_calls += 1
    out.dots += count
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
    add_rows(out, count, ids, drawn)


def _glb(data: bytes, out: Decoded, fetch: Callable[[str], bytes], limits: Limits) -> Gltf:
    document, binary, further = split_glb(data)
    if further >= CHUNK_HEADER:
        out.problems.append(("TSC-35", f"{further} bytes (chunks after BIN)", "0 bytes"))
    return Gltf(document, binary, fetch, *_budget(limits))


def _budget(limits: Limits) -> tuple[int, int]:
    return limits.content_points, limits.content_bytes


def _told(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}"[:200]
