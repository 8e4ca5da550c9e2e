"""The isolated side of :mod:`ingest.readers.tables_dxf`: ezdxf turns a drawing into plain rows."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
from ezdxf import path as paths
from ezdxf import recover
from ezdxf.filemanagement import readfile
from ezdxf.lldxf.const import DXFError, DXFStructureError

#: Metres that a chord may be off an arc.
_SAGITTA: Final = 0.01
#: A vertex and a point nearer than this are one, metres.
_NEAR: Final = 0.01
_TEXTS: Final = frozenset({"TEXT", "MTEXT", "ATTDEF"})
_LINES: Final = frozenset({"LINE", "LWPOLYLINE", "POLYLINE", "ARC", "SPLINE"})
_DATUM: Final = re.compile(r"坐标|高程系|高程基准|CRS|EPSG", re.IGNORECASE)
_SIZE: Final = re.compile(r"(?:DN|D|Φ)\d{2,4}|\d{2,5}[Xx×*]\d{2,5}")
_PAIR: Final = re.compile(r"\s*([^=:：]{1,40}?)\s*[=:：]\s*(.*)")
Vertex = tuple[float, float, float]


def extract(path: str, folder: str) -> str:
    """Write the drawing's points, lines and counts into ``folder``; the file's name.

    Raises what ezdxf raises for a file that is no DXF or too damaged to be recovered.
    """
    logging.getLogger("ezdxf").setLevel(logging.CRITICAL)
    drawing = _open(path)
    points: dict[str, list[dict[str, Any]]] = defaultdict(list)
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    other: dict[str, Counter[str]] = defaultdict(Counter)
    datums: list[str] = []
    layers: dict[str, None] = {}
    texts = 0
    drawn: list[tuple[str, Any, list[Vertex]]] = []
    for entity in drawing.modelspace():
        layer, kind = str(entity.dxf.layer), entity.dxftype()
        if kind not in _TEXTS:
            layers.setdefault(layer)
        if kind == "INSERT" and entity.attribs:
            points[layer].append(_point(entity))
        elif kind in _LINES and (vertices := _vertices(entity)):
            drawn.append((layer, entity, vertices))
        elif kind in _TEXTS:
            texts += 1
            text = entity.plain_text() if kind == "MTEXT" else str(entity.dxf.text)
            datums += [line for line in text.splitlines() if _DATUM.search(line)]
        else:
            other[layer][kind] += 1
    nodes = {_cell(row["place"][1], row["place"][0]) for rows in points.values() for row in rows}
    for layer, entity, vertices in drawn:
        tags = _tags(entity, layer)
        for piece in _pieces(vertices, nodes):
            (e0, n0, z0), (e1, n1, z1) = piece[0], piece[-1]
            place = [n0, e0, z0 or None, n1, e1, z1 or None]
            lines[layer].append({"tags": tags, "place": place, "via": piece[1:-1]})
    answer = {
        "layers": list(layers),
        "points": points,
        "lines": lines,
        "other": other,
        "texts": texts,
        "datums": datums[:50],
    }
    Path(folder, "drawing.json").write_bytes(orjson.dumps(answer))
    return "drawing.json"


def _open(path: str) -> Any:
    try:
        return readfile(path)
    except (DXFError, UnicodeDecodeError, ValueError, KeyError, IndexError):
        drawing, auditor = recover.readfile(path, errors="strict")
        if auditor.has_errors:
            raise DXFStructureError(str(auditor.errors[0].message)) from None
        return drawing


def _point(entity: Any) -> dict[str, Any]:
    """North, east and height of the insertion, and the attributes by tag."""
    at = entity.ocs().to_wcs(entity.dxf.insert)
    tags = {str(a.dxf.tag): str(a.dxf.text).strip() for a in entity.attribs}
    tags.setdefault("HANDLE", str(entity.dxf.handle))
    return {"tags": tags, "place": [at.y, at.x, at.z or None]}


def _vertices(entity: Any) -> list[Vertex]:
    """World coordinates of a line's vertices; curves as chords. None for meshes."""
    kind = entity.dxftype()
    if kind == "LINE":
        found = [entity.dxf.start, entity.dxf.end]
    elif kind == "LWPOLYLINE" and not entity.has_arc and not entity.closed:
        found = list(entity.vertices_in_wcs())
    elif kind == "POLYLINE" and not (entity.is_2d_polyline or entity.is_3d_polyline):
        return []
    else:
        found = list(paths.make_path(entity).flattening(_SAGITTA))
    out: list[Vertex] = []
    for v in found:
        vertex = (float(v.x), float(v.y), float(v.z))
        if not out or vertex != out[-1]:
            out.append(vertex)
    return out if len(out) > 1 else []


def _tags(entity: Any, layer: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for data in (entity.xdata.data if entity.xdata is not None else {}).values():
        for code, value in data:
            if code == 1000 and (pair := _PAIR.fullmatch(str(value))):
                tags.setdefault(pair[1], pair[2])
    if found := _SIZE.search(layer):
        tags.setdefault("管径", found[0])
    tags.setdefault("HANDLE", str(entity.dxf.handle))
    return tags


def _pieces(vertices: list[Vertex], nodes: set[tuple[int, int]]) -> Iterator[list[Vertex]]:
    """The line cut at its inner vertices where a point is."""
    start = 0
    for index in range(1, len(vertices) - 1):
        if _at_node(vertices[index], nodes):
            yield vertices[start : index + 1]
            start = index
    yield vertices[start:]


def _cell(east: float, north: float) -> tuple[int, int]:
    return round(east / _NEAR), round(north / _NEAR)


def _at_node(vertex: Vertex, nodes: set[tuple[int, int]]) -> bool:
    east, north = _cell(vertex[0], vertex[1])
    return any((east + i, north + j) in nodes for i in (-1, 0, 1) for j in (-1, 0, 1))
