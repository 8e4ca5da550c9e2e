"""DXF drawings as survey tables: blocks with attributes are points, lines and polylines are lines.

What is read lies in model space on a layer whose name says a pipe class (``JSLINE``, ``雨水``). A
block counts as a point when it has attributes, which become columns by their tags, with the place
where it is inserted. A line's columns are its extended data (XDATA strings ``管径=300``) and a size
in its layer's name (``YS_DN300``); a polyline is cut where a point lies on one of its vertices.
Drawings hold X as easting and Y as northing; they are taken in metres.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ingest import isolation
from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.mapping.text import Objects
from ingest.mapping.words import survey_words
from ingest.readers.survey_class import class_of_name
from ingest.readers.tables_grid import LINE_GEOMETRY, POINT_GEOMETRY, Grid
from models.findings import Finding, Place, Severity

MAX_BYTES: Final = 512 << 20
#: Name of the sheet that holds the drawing's texts with a datum in them.
TEXT_SHEET: Final = "说明 TEXT"


def read(path: Path, limits: Limits) -> list[Grid]:
    """A grid a layer for points and one for lines; records count from 1 in the drawing's order.

    The first grid's notes say what was not read. Raises :class:`ingest.errors.RefusedError`
    (STR-00) for a drawing that is damaged, over the limits, or has nothing on class layers.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise _refused(
            path,
            f"{size >> 20} MiB",
            f"≤ {MAX_BYTES >> 20} MiB",
            "图形过大。请拆分，或只导出管线图层。",
            "The drawing is too large. Split it, or export the pipe layers only.",
        )
    with path.open("rb") as stream:
        stream.seek(max(0, size - 256))
        tail = stream.read().rstrip(b"\0 \t\r\n\x1a")
    if not tail.endswith(b"EOF"):
        raise _refused(
            path,
            repr(tail[-20:]),
            "EOF",
            "文件不完整，末尾没有 EOF。请重新导出或复制该文件。",
            "The file is cut: it does not end with EOF. Export or copy it again.",
        )
    with tempfile.TemporaryDirectory(prefix="dxf-") as name:
        try:
            file = isolation.run(
                "ingest.readers.tables_dxf_worker:extract", str(path), name, limits=limits
            )
        except isolation.IsolationError as error:
            raise _refused(
                path,
                error.detail,
                f"≤ {limits.seconds:g} s, ≤ {limits.memory >> 20} MiB",
                f"无法读取（{error.reason}），可能已损坏或过大。"
                "请用 AUDIT 检查修复后另存，或拆分。",
                f"It cannot be read ({error.reason}); it may be damaged or too large. Run AUDIT on "
                "it and save it again, or split it.",
            ) from error
        drawing: dict[str, Any] = orjson.loads(Path(name, file).read_bytes())
    words = survey_words()
    classes = {layer: class_of_name(layer, words) for layer in drawing["layers"]}
    grids = []
    for role, geometry in (("points", POINT_GEOMETRY), ("lines", LINE_GEOMETRY)):
        for layer, rows in drawing[role].items():
            if classes[layer] is not None:
                grids.append(_grid(path.name, layer, rows, geometry))
    if not grids:
        raise _nothing(path, drawing)
    notes = tuple(_ignored(path.name, drawing, classes))
    grids[0] = Grid(path.name, grids[0].sheet, grids[0].cells, first=0, notes=notes)
    if texts := drawing["datums"]:
        cells: Objects = np.array([[text] for text in texts], object)
        grids.append(Grid(path.name, TEXT_SHEET, cells))
    return grids


def _grid(file: str, layer: str, rows: list[dict[str, Any]], geometry: tuple[str, ...]) -> Grid:
    tags = list(dict.fromkeys(tag for row in rows for tag in row["tags"]))
    cells: Objects = np.full((len(rows) + 1, len(tags) + len(geometry)), None, object)
    cells[0] = [*tags, *geometry]
    at = {tag: index for index, tag in enumerate(tags)}
    for number, row in enumerate(rows, 1):
        for tag, text in row["tags"].items():
            cells[number, at[tag]] = text
        for index, value in enumerate(row["place"], len(tags)):
            cells[number, index] = value
        if row.get("via"):
            cells[number, -1] = tuple(map(tuple, row["via"]))
    cells[cells == ""] = None
    return Grid(file, layer, cells, first=0)


def _ignored(file: str, drawing: dict[str, Any], classes: dict[str, str | None]) -> list[Finding]:
    """What was left out: annotation (info), and shapes on class layers that may be pipes."""
    out = []
    if count := drawing["texts"]:
        out.append(
            Finding(
                "DXF-01",
                Severity.INFO,
                Place(file),
                f"{file}：{count} 处文字注记未读取，属性以块属性和扩展数据为准。请确认无遗漏。",
                f"{file}: {count} text annotations are not read; attributes come from block "
                "attributes and extended data. Check that nothing is missing.",
                str(count),
                "块属性 block attributes",
            )
        )
    other = [layer for layer, code in classes.items() if code is None]
    if other:
        shown = ", ".join(other[:10]) + (" …" if len(other) > 10 else "")
        out.append(
            Finding(
                "DXF-02",
                Severity.INFO,
                Place(file),
                f"{file}：{len(other)} 个图层名不含管线类别，未读取（{shown}）。"
                "如含管线，请以类别代码命名图层，如 JSLINE。",
                f"{file}: {len(other)} layers whose names say no pipe class are not read "
                f"({shown}). Name a layer that holds pipes by its class, such as JSLINE.",
                shown,
                "JSLINE, YSPOINT …",
            )
        )
    for layer, kinds in drawing["other"].items():
        if classes.get(layer) is None:
            continue
        counted = ", ".join(f"{kind} × {count}" for kind, count in kinds.items())
        out.append(
            Finding(
                "DXF-03",
                Severity.WARNING,
                Place(file, layer),
                f"{file}[{layer}]：{counted} 不是线或带属性的块，未读取。"
                "若为管线或管点，请转换为多段线或带属性的块。",
                f"{file}[{layer}]: {counted} are neither lines nor blocks with attributes and not "
                "read. If they are pipes or points, convert them to polylines or such blocks.",
                counted,
                "LINE, LWPOLYLINE, POLYLINE, INSERT + ATTRIB",
            )
        )
    return out


def _nothing(path: Path, drawing: dict[str, Any]) -> RefusedError:
    shown = ", ".join(drawing["layers"][:10]) or "无 none"
    return _refused(
        path,
        shown,
        "JSLINE, YSPOINT …",
        "没有以管线类别命名的图层含有线或带属性的块。请将管线放在以类别命名的图层（如 JSLINE），"
        "管点画为带属性（点号、地面高程等）的块。",
        "No layer named by a pipe class holds lines or blocks with attributes. Put pipes on layers "
        "named by their class (JSLINE), and draw points as blocks with attributes (number, ground "
        "height …).",
    )


def _refused(path: Path, found: str, expected: str, zh: str, en: str) -> RefusedError:
    return refuse(
        "STR-00",
        path.name,
        zh=f"{path.name}：{zh}",
        en=f"{path.name}: {en}",
        found=found,
        expected=expected,
    )
