"""Address tables (地名地址表): CSV with a name or an address and a position a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ingest.errors import RefusedError, refuse
from models.crs import StorageCrs, inside_area, to_storage
from models.findings import Finding, Severity
from models.findings import Place as Where
from models.places import Place

#: Words of the header, folded to lower case.
_WORDS: Final = {
    "name": ("名称", "地名", "标准名称", "name"),
    "address": ("地址", "标准地址", "详细地址", "address"),
    "kind": ("类别", "类型", "kind"),
    "x": ("经度", "东坐标", "东", "lon", "longitude", "east"),
    "y": ("纬度", "北坐标", "北", "lat", "latitude", "north"),
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
    rows read = places + refused."""

    places: tuple[Place, ...]
    findings: tuple[Finding, ...]
    rows: int


def read(path: Path, horizontal: str, storage: StorageCrs) -> AddressTable:
    """Read an address table whose positions are in ``horizontal`` (east or longitude first).

    The text is UTF-8 or GB18030. A row needs a name or an address, and both coordinates. Columns
    are found by their names; X and Y are refused, since survey tables mean northing by X. Raises
    :class:`RefusedError` for a file without such columns, and :class:`models.errors.DatumError`
    for a CRS that is unknown or has no safe transformation.
    """
    rows = csv.DictReader(io.StringIO(_text(path)))
    header = {str(h).strip().casefold(): h for h in rows.fieldnames or () if h}
    columns = {
        key: next((header[w] for w in words if w in header), None) for key, words in _WORDS.items()
    }
    parts = [header[p] for p in _PARTS if p in header]
    named = columns["name"] or columns["address"] or parts
    if columns["x"] is None or columns["y"] is None or not named:
        raise _no_columns(path, list(header))
    found, findings = [], []
    total = 0
    for number, row in enumerate(rows, start=2):
        total += 1
        one = _row(row, columns, parts)
        if isinstance(one, str):
            findings.append(_refused(path, number, one))
        else:
            found.append((number, *one))
    places, outside = _placed(path, found, horizontal, storage)
    return AddressTable(tuple(places), (*findings, *outside), total)


def _text(path: Path) -> str:
    if path.stat().st_size > _MOST:
        raise _unreadable(path, f"{path.stat().st_size} bytes", f"{path.stat().st_size} 字节")
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable(path, "neither UTF-8 nor GB18030", "既非 UTF-8 也非 GB18030")


def _row(
    row: Mapping[str, str | None], columns: Mapping[str, str | None], parts: list[str]
) -> tuple[str, str, str | None, float, float] | str:
    """Kind, name, address and coordinates of a row, or what is wrong with it."""

    def cell(key: str) -> str:
        column = columns[key]
        return (row.get(column) or "").strip() if column else ""

    address = cell("address") or "".join((row.get(p) or "").strip() for p in parts) or None
    name = cell("name") or address
    if name is None:
        return "name"
    try:
        x, y = float(cell("x")), float(cell("y"))
    except ValueError:
        return "position"
    if not (np.isfinite(x) and np.isfinite(y)):
        return "position"
    given = cell("kind")
    kind = _KINDS.get(given, given if given in _KINDS.values() else "")
    return kind or ("place" if cell("name") else "address"), name, address, x, y


def _placed(
    path: Path,
    found: list[tuple[int, str, str, str | None, float, float]],
    horizontal: str,
    storage: StorageCrs,
) -> tuple[list[Place], Iterator[Finding]]:
    xy = np.array([one[4:] for one in found], np.float64).reshape(-1, 2)
    inside = inside_area(xy[:, 0], xy[:, 1], horizontal, storage)
    kept = np.flatnonzero(inside)
    east, north, _ = to_storage(xy[kept, 0], xy[kept, 1], None, horizontal, "1985", storage)
    places = [
        Place(found[i][1], found[i][2], found[i][3], None, None, float(e), float(n))
        for i, e, n in zip(kept, east, north, strict=True)
    ]
    return places, (_refused(path, found[i][0], "area") for i in np.flatnonzero(~inside))


_WRONG: Final = {
    "name": ("neither a name nor an address", "既无名称也无地址"),
    "position": ("a coordinate that is missing or no number", "坐标缺失或不是数值"),
    "area": (
        "a position outside the CRS's area of use: check the CRS and the order of coordinates",
        "坐标超出该坐标系适用范围，请检查坐标系及坐标次序",
    ),
}


def _refused(path: Path, row: int, what: str) -> Finding:
    en, zh = _WRONG[what]
    return Finding(
        "ADR-01",
        Severity.ERROR,
        Where(path.name, None, row),
        f"{path.name} 第 {row} 行：{zh}，该行未采用。",
        f"{path.name}, row {row}: {en}; the row was left out.",
    )


def _no_columns(path: Path, header: list[str]) -> RefusedError:
    there = ", ".join(header) or "-"
    return refuse(
        "ADR-02",
        path.name,
        en=f"{path.name}: found columns {there}; expected 名称 or 地址, and 经度, 纬度 (or 东坐标, "
        "北坐标). X and Y are not taken: in surveys X is the northing. Rename the columns.",
        zh=f"{path.name} 的列为：{there}；应有“名称”或“地址”，"
        "以及“经度”“纬度”（或“东坐标”“北坐标”）。不接受 X、Y：测量中 X 为北坐标。请修改列名。",
        found=there,
    )


def _unreadable(path: Path, en: str, zh: str) -> RefusedError:
    return refuse(
        "ADR-03",
        path.name,
        en=f"{path.name} cannot be read: {en}. Save it as CSV in UTF-8, up to 512 MB.",
        zh=f"{path.name} 无法读取：{zh}。请另存为 UTF-8 编码、不超过 512 MB 的 CSV。",
    )
