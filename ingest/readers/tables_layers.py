"""Points and lines of Shapefiles and GeoPackages as survey tables.

GDAL reads in a process of its own (:mod:`ingest.readers.tables_layers_worker`). Attributes become
columns, and the geometry becomes columns beside them: :data:`POINT_GEOMETRY` or
:data:`LINE_GEOMETRY`, with X the northing as in survey tables.
"""

from __future__ import annotations

import sqlite3
import struct
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ingest import isolation
from ingest.errors import RefusedError, refuse
from ingest.isolation import Limits
from ingest.mapping.text import Json, Objects
from ingest.readers import footprint_source
from ingest.readers.footprint_source import Source
from ingest.readers.tables_grid import LINE_GEOMETRY, POINT_GEOMETRY, Grid
from ingest.readers.tables_text import plausible
from models.findings import Finding, Place, Severity

DRIVERS: Final = frozenset({"GPKG", "ESRI Shapefile"})
#: Shape types of a Shapefile (ESRI 1998, p. 4) with and without Z and M.
_SHAPES: Final = {1: "point", 11: "point", 21: "point", 3: "line", 13: "line", 23: "line"}
_KINDS: Final = {"POINT": "point", "LINESTRING": "line", "MULTILINESTRING": "line"}
_COLUMNS: Final = {"point": POINT_GEOMETRY, "line": LINE_GEOMETRY}


def peek(path: Path) -> list[Grid]:
    """The column names of every point and line layer as a grid of one row; nothing is refused."""
    try:
        if path.suffix.lower() == ".shp":
            return _peek_shapefile(path)
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as base:
            return [_header(path, name, kind, _names(base, name)) for name, kind in _layers(base)]
    except (OSError, sqlite3.Error, struct.error, UnicodeError, RefusedError):
        return []


def read(path: Path, encoding: str | None, limits: Limits) -> list[Grid]:
    """Every point and line layer; records count from 1.

    ``encoding`` is the declared code page of a DBF. Raises :class:`ingest.errors.RefusedError`:
    STR-00 for a file that is damaged, incomplete or over the limits, ENC-01 for text that is not in
    its code page.
    """
    import pyogrio  # slow to load

    source = footprint_source.open_source((path,))
    page = source.encoding if encoding is None else footprint_source.codec(encoding, path.name)
    with tempfile.TemporaryDirectory(prefix="layers-") as name:
        folder = Path(name)
        main = footprint_source.stage(source, folder)
        try:
            answer: dict[str, Any] = isolation.run(
                "ingest.readers.tables_layers_worker:extract",
                str(main),
                name,
                source.driver,
                sorted(set(pyogrio.list_drivers()) - DRIVERS),
                limits=limits,
            )
        except isolation.IsolationError as error:
            raise refuse(
                "STR-00",
                path.name,
                en=f"{path.name} cannot be read ({error.reason}); it may be damaged or too large. "
                "Export it again, or split it.",
                zh=f"{path.name} 无法读取（{error.reason}），可能已损坏或过大。请重新导出或拆分。",
                found=error.detail,
                expected=f"≤ {limits.seconds:g} s, ≤ {limits.memory >> 20} MiB",
            ) from error
        grids = [_grid(source, layer, folder, page) for layer in answer["layers"]]
    notes = [_left_out(path.name, one) for one in answer["layers"] if one["left_out"]]
    if answer["others"]:
        notes.append(_others(path.name, answer["others"]))
    if grids:
        grids[0] = replace(grids[0], notes=tuple(notes))
    return grids


def _left_out(file: str, layer: dict[str, Any]) -> Finding:
    sheet, names = layer["layer"], ", ".join(layer["left_out"])
    return Finding(
        "STR-04",
        Severity.INFO,
        Place(file, sheet),
        f"{file} [{sheet}]：字段 {names} 为二进制数据，未读取。如需保留，请另行提交文件。",
        f"{file} [{sheet}]: the columns {names} hold binary data and are not read. Deliver what "
        "they hold as files if it is to be kept.",
        names,
        "text, numbers, dates",
    )


def _others(file: str, layers: list[str]) -> Finding:
    names = ", ".join(layers[:10]) + (" …" if len(layers) > 10 else "")
    return Finding(
        "GEO-03",
        Severity.WARNING,
        Place(file),
        f"{file}：图层 {names} 不是点或线图层，未读取。如为建筑等其他数据，请单独成文件提交。",
        f"{file}: the layers {names} hold neither points nor lines and are not read. Deliver them "
        "in a file of their own if they are buildings or other data.",
        names,
        "Point, LineString",
    )


def _peek_shapefile(path: Path) -> list[Grid]:
    """Also of one that is not whole, which reading refuses."""
    with path.open("rb") as stream:
        kind = _SHAPES.get(struct.unpack_from("<I", stream.read(100), 32)[0])
    table = next((t for s in (".dbf", ".DBF") if (t := path.with_suffix(s)).is_file()), None)
    if kind is None:
        return []
    if table is None:
        return [_header(path, None, kind, [])]
    with table.open("rb") as stream:
        head = stream.read(32 + 32 * 255)
    raw = [head[at : at + 11].split(b"\0")[0] for at in range(32, len(head) - 31, 32)]
    end = next((i for i, name in enumerate(raw) if name.startswith(b"\r")), len(raw))
    names = _decoded(path, raw[:end], None)
    return [_header(path, None, kind, names)]


def _layers(base: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = base.execute("SELECT table_name, geometry_type_name FROM gpkg_geometry_columns")
    return [(str(n), _KINDS[str(k).upper()]) for n, k in rows if str(k).upper() in _KINDS]


def _names(base: sqlite3.Connection, table: str) -> list[str]:
    quoted = table.replace('"', '""')
    return [str(row[1]) for row in base.execute(f'PRAGMA table_info("{quoted}")')]


def _header(path: Path, layer: str | None, kind: str, names: list[str]) -> Grid:
    cells: Objects = np.array([[*names, *_COLUMNS[kind]]], object)
    return Grid(path.name, layer, cells, first=0, cut=layer is None)


def _grid(source: Source, layer: dict[str, Any], folder: Path, page: str | None) -> Grid:
    path = source.path
    columns = [orjson.loads((folder / f).read_bytes()) for f in layer["files"]]
    names = list(layer["names"])
    if source.driver == "ESRI Shapefile":
        names, columns = _text(path, names, columns, page)
    places = np.load(folder / layer["places"], allow_pickle=False)
    geometry = list(_COLUMNS[layer["kind"]])
    cells: Objects = np.full((layer["count"] + 1, len(names) + len(geometry)), None, object)
    cells[0] = [*names, *geometry]
    for index, column in enumerate(columns):
        document = index in layer["documents"]
        cells[1:, index] = [v and Json(v) for v in column] if document else column
    plain = places.astype(object)
    plain[np.isnan(places)] = None
    cells[1:, len(names) : len(names) + places.shape[1]] = plain
    for row, via in layer.get("via", {}).items():
        cells[int(row) + 1, -1] = tuple(map(tuple, via))
    cells[cells == ""] = None
    crs = source.crs if source.driver == "ESRI Shapefile" else layer["crs"]
    sheet = None if source.driver == "ESRI Shapefile" else layer["layer"]
    return Grid(path.name, sheet, cells, first=0, crs=crs, cut=sheet is None)


def _text(
    path: Path, names: list[str], columns: list[list[Any]], page: str | None
) -> tuple[list[str], list[list[Any]]]:
    """Undo GDAL's Latin-1 reading of a DBF, which keeps every byte."""
    words = {v for column in columns for v in column if isinstance(v, str)}
    spelled = sorted(words)
    texts = _decoded(path, [w.encode("latin-1") for w in [*names, *spelled]], page)
    table = dict(zip(spelled, texts[len(names) :], strict=True))
    out = [[table[v] if isinstance(v, str) else v for v in column] for column in columns]
    return texts[: len(names)], out


def _decoded(path: Path, raw: list[bytes], page: str | None) -> list[str]:
    """Texts in ``page``, else in UTF-8, else in GB18030 where that reads like a survey. A DBF cuts
    a value at its field's width, at times inside a character, which is dropped."""
    for codec in (page,) if page else ("utf-8", "gb18030"):
        texts = [_cut(word, codec) for word in raw]
        known = [text for text in texts if text is not None]
        if len(known) == len(raw) and (
            page or codec == "utf-8" or plausible("".join(known)[:4000])
        ):
            return known
    worst = next(w for w, text in zip(raw, texts, strict=True) if text is None or not w.isascii())
    wanted = page or "UTF-8 / GB18030"
    raise refuse(
        "ENC-01",
        path.name,
        en=f"{path.name}: the text of its attributes is not {wanted} ({worst[:20]!r}). Deliver the "
        "right .cpg with it, or declare the encoding it really has.",
        zh=f"{path.name}：属性文字不是 {wanted} 编码（{worst[:20]!r}）。"
        "请附上正确的 .cpg，或声明其实际编码。",
        found=worst[:20].hex(" "),
        expected=wanted,
    )


def _cut(word: bytes, codec: str) -> str | None:
    for rest in range(4):
        try:
            return word[: len(word) - rest].decode(codec)
        except UnicodeDecodeError as error:
            if error.end < len(word) - rest or rest == len(word):
                return None
    return None
