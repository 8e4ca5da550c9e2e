"""Address tables (地名地址表): CSV with a name or an address and a position a row.

Sensors may have a height, parcels an outline as WKT in place of the position.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from ingest.readers.addresses_findings import no_columns, no_datum, refused, unreadable
from models.crs import StorageCrs, inside_area, to_storage
from models.findings import Finding
from models.places import Place

#: Words of the header, folded to lower case.
_WORDS: Final = {
    "name": ("名称", "地名", "标准名称", "name"),
    "address": ("地址", "标准地址", "详细地址", "address"),
    "kind": ("类别", "类型", "kind"),
    "x": ("经度", "东坐标", "东", "lon", "longitude", "east"),
    "y": ("纬度", "北坐标", "北", "lat", "latitude", "north"),
    "height": ("高程", "标高", "elevation"),
    "outline": ("范围", "边界", "wkt", "outline"),
}
#: Parts of an address from the large to the small, joined where no whole address is given.
_PARTS: Final = (
    "省", "市", "区", "县", "街道", "镇", "乡", "社区", "村", "路", "道路", "弄", "门牌号", "号",
    "小区", "楼", "楼栋", "单元", "室",
)  # fmt: skip
_KINDS: Final = {
    "建筑": "building", "地址": "address", "道路": "road", "地名": "place",
    "宗地": "parcel", "地块": "parcel", "传感器": "sensor", "监测设备": "sensor",
}  # fmt: skip
#: Bytes of the largest table.
_MOST: Final = 512 << 20


@dataclass(frozen=True, slots=True)
class AddressTable:
    """What a table held: places in the storage CRS, and a finding for every row that was refused;
    rows read = places + refused. ``unused`` are the columns that nothing was read from."""

    places: tuple[Place, ...]
    findings: tuple[Finding, ...]
    rows: int
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that can be used, in the table's own CRS; ``height`` is NaN where it has none."""

    number: int
    kind: str
    name: str
    address: str | None
    x: float
    y: float
    height: float
    outline: shapely.MultiPolygon | None


@dataclass(frozen=True, slots=True)
class _Frame:
    """What positions and heights are given in, and the CRS that they are taken to."""

    horizontal: str
    vertical: str | None
    storage: StorageCrs
    n_offset: float


def read(
    path: Path,
    horizontal: str,
    storage: StorageCrs,
    vertical: str | None = None,
    *,
    n_offset: float = 0.0,
) -> AddressTable:
    """Read an address table whose positions are in ``horizontal`` (east or longitude first) and
    whose heights, if it has any, are in metres of ``vertical``.

    The text is UTF-8 or GB18030. A row needs a name or an address, and both coordinates or an
    outline (WKT polygon), in which a place without coordinates is put. Columns are found by their
    names; X and Y are refused, since survey tables mean northing by X. ``n_offset`` is that of
    :func:`models.crs.to_storage`. Raises :class:`ingest.errors.RefusedError` for a file without
    such columns or with heights of no declared datum, and :class:`models.errors.DatumError` for a
    CRS or datum that is unknown or has no safe transformation.
    """
    rows = csv.DictReader(io.StringIO(_text(path)))
    try:
        header = {str(h).strip().casefold(): h for h in rows.fieldnames or () if h}
    except csv.Error as error:
        raise unreadable(path, f"row 1: {error}", f"第 1 行：{error}") from error
    columns = {
        key: next((header[w] for w in words if w in header), None) for key, words in _WORDS.items()
    }
    parts = [header[p] for p in _PARTS if p in header]
    named = columns["name"] or columns["address"] or parts
    placed = (columns["x"] and columns["y"]) or columns["outline"]
    if not placed or not named:
        raise no_columns(path, list(header))
    found: list[_Row] = []
    findings = []
    total = 0
    try:
        for number, row in enumerate(rows, start=2):
            total += 1
            one = _row(number, row, columns, parts)
            if isinstance(one, str):
                findings.append(refused(path, number, one))
            else:
                found.append(one)
    except csv.Error as error:
        raise unreadable(
            path, f"row {total + 2}: {error}", f"第 {total + 2} 行：{error}"
        ) from error
    if vertical is None and any(np.isfinite(one.height) for one in found):
        raise no_datum(path, str(columns["height"]))
    places, outside = _placed(path, found, _Frame(horizontal, vertical, storage, n_offset))
    unused = [h for h in header.values() if h not in columns.values() and h not in parts]
    return AddressTable(tuple(places), (*findings, *outside), total, tuple(unused))


def _text(path: Path) -> str:
    if path.stat().st_size > _MOST:
        raise unreadable(path, f"{path.stat().st_size} bytes", f"{path.stat().st_size} 字节")
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise unreadable(path, "neither UTF-8 nor GB18030", "既非 UTF-8 也非 GB18030")


def _row(
    number: int,
    row: Mapping[str, str | None],
    columns: Mapping[str, str | None],
    parts: list[str],
) -> _Row | str:
    """A row as it is given, or what is wrong with it."""

    def cell(key: str) -> str:
        column = columns[key]
        return (row.get(column) or "").strip() if column else ""

    address = cell("address") or "".join((row.get(p) or "").strip() for p in parts) or None
    name = cell("name") or address
    if name is None:
        return "name"
    outline = _outline(cell("outline"))
    if isinstance(outline, str):
        return outline
    if outline is not None and not cell("x") and not cell("y"):
        inside = outline.representative_point()
        x, y = inside.x, inside.y
    else:
        x, y = _number(cell("x")), _number(cell("y"))
    if not (np.isfinite(x) and np.isfinite(y)):
        return "position"
    height = _number(cell("height"))
    if cell("height") and not np.isfinite(height):
        return "height"
    given = cell("kind")
    kind = _KINDS.get(given, given if given in _KINDS.values() else "")
    kind = kind or ("place" if cell("name") else "address")
    return _Row(number, kind, name, address, x, y, height, outline)


def _number(text: str) -> float:
    """What a cell says; NaN for what is empty or no number."""
    try:
        return float(text)
    except ValueError:
        return np.nan


def _outline(text: str) -> shapely.MultiPolygon | str | None:
    """The polygons of a cell, None where it is empty, or that they are wrong."""
    if not text:
        return None
    shape: Any = shapely.force_2d(shapely.from_wkt(text, on_invalid="ignore"))
    polygons = shape is not None and shape.geom_type in ("Polygon", "MultiPolygon")
    if not polygons or shape.is_empty or not shape.is_valid:
        return "outline"
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])


def _placed(path: Path, found: list[_Row], frame: _Frame) -> tuple[list[Place], Iterator[Finding]]:
    """The rows as places, and a finding for each whose position or outline lies outside the CRS's
    area of use."""
    xyz = np.array([(one.x, one.y, one.height) for one in found], np.float64).reshape(-1, 3)
    outlines: npt.NDArray[np.object_] = np.array([one.outline for one in found], object)
    corners, of = shapely.get_coordinates(outlines, return_index=True)
    inside = inside_area(xyz[:, 0], xyz[:, 1], frame.horizontal, frame.storage)
    within = inside_area(corners[:, 0], corners[:, 1], frame.horizontal, frame.storage)
    inside[of[~within]] = False
    kept = np.flatnonzero(inside)
    east, north, height = _stored(xyz[kept], frame)
    shapes = outlines[kept]
    corners = shapely.get_coordinates(shapes, include_z=True)
    plan = np.column_stack(_stored(corners, frame)[:2])
    shapes = shapely.set_coordinates(shapes.copy(), plan)
    places = [
        Place(
            found[i].kind, found[i].name, found[i].address, None, None, float(e), float(n),
            height=float(h) if np.isfinite(h) else None, outline=shape,
        )
        for i, e, n, h, shape in zip(kept, east, north, height, shapes, strict=True)
    ]  # fmt: skip
    wrong = np.flatnonzero(~inside)
    return places, (refused(path, found[i].number, "area") for i in wrong)


def _stored(xyz: npt.NDArray[np.float64], frame: _Frame) -> tuple[Any, Any, Any]:
    """East, north and 1985 height of positions; NaN heights stay so."""
    x, y, z = xyz.T
    vertical = frame.vertical or "1985"
    return to_storage(x, y, z, frame.horizontal, vertical, frame.storage, n_offset=frame.n_offset)
