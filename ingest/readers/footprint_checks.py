"""Checks of footprints and of the values beside them: whole columns in, masks and findings out."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import shapely

from ingest.mapping import buildings
from ingest.readers.footprint_report import SAMPLED_ROWS, Mask, Objects, Report, counted
from ingest.readers.footprint_values import Floats
from models import validity
from models.findings import Severity

#: Metres. No building is taller (the tallest has 828 m); a larger number is a wrong unit.
MAX_HEIGHT: Final = 1500.0
MAX_STOREYS: Final = 300
#: Metres of the 1985 datum and its like: from the Turpan depression to the highest plateau.
BASE_RANGE: Final = (-500.0, 9000.0)
YEARS: Final = (1000, 2200)
#: Metres a storey, the least and the greatest that need no second look. Ours, from no standard:
#: wide enough for dwellings and shops, and remarked on only.
STOREY_RANGE: Final = (2.0, 12.0)
#: A single storey may be a hall.
HALL: Final = 40.0


def check_geometry(geometry: Objects, present: Mask, report: Report) -> None:
    """Refuse rows whose ``geometry`` is no polygon of finite coordinates, area and sound rings.

    ``present`` tells which rows had any geometry in the file: what had one and is null now could
    not be read.
    """
    null = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    report.rows(
        null & ~(present & shapely.is_missing(geometry)),
        "GEO-01",
        en="the geometry is empty, expected a polygon. Draw the footprint or remove the feature.",
        zh="几何为空，应为多边形。请补绘轮廓或删除该要素。",
        found="empty",
        expected="Polygon, MultiPolygon",
    )
    report.rows(
        present & shapely.is_missing(geometry),
        "GEO-02",
        en="the geometry cannot be read (a ring with too few points, not closed, or with NaN), "
        "expected closed rings of at least 4 points. Draw it anew.",
        zh="几何无法读取（环点数不足、未闭合或含 NaN），应为至少 4 点的闭合环。请重新绘制。",
        found="unreadable",
        expected="Polygon, MultiPolygon",
    )
    kinds = shapely.get_type_id(geometry)
    polygonal = np.isin(kinds, (3, 6)) & ~null
    names = np.array([*(kind.name for kind in shapely.GeometryType if kind >= 0), ""])
    report.rows(
        ~polygonal & ~null,
        "GEO-03",
        en="found a {found}, expected a polygon. Deliver building footprints as polygons.",
        zh="几何类型为 {found}，应为多边形。请以多边形提交建筑轮廓。",
        found=names[kinds],
        expected="Polygon, MultiPolygon",
    )
    finite = _finite(geometry)
    report.rows(
        polygonal & ~finite,
        "GEO-04",
        en="a coordinate is not a number (NaN or infinite). Correct the vertex.",
        zh="坐标含 NaN 或无穷大。请更正该顶点。",
        found="NaN",
        expected="finite coordinates",
    )
    sound = polygonal & finite
    broken = sound & ~shapely.is_valid(geometry)
    if broken.any():
        _check_rings(geometry, broken, report)
    report.rows(
        sound & ~broken & ~(shapely.area(geometry) > 0),
        "GEO-06",
        en="the polygon has no area. Draw the footprint anew.",
        zh="多边形面积为零。请重新绘制轮廓。",
        found="0",
        expected="> 0",
    )


def _check_rings(geometry: Objects, broken: Mask, report: Report) -> None:
    """Refuse the rows of ``broken`` with what is wrong and where, in our words."""
    reasons = pd.Series(shapely.is_valid_reason(geometry[broken])).str.extract(validity.PATTERN)
    for what, group in reasons.groupby("what", sort=False):
        en, zh = validity.REASONS.get(str(what), validity.UNKNOWN)
        rows = np.flatnonzero(broken)[group.index.to_numpy()]
        mask = np.zeros(len(geometry), dtype=bool)
        mask[rows] = True
        where = np.full(len(geometry), "", dtype=object)
        where[rows] = ("(" + group["x"] + ", " + group["y"] + ")").fillna("?")
        quoted = "" if what in validity.REASONS else f" (GEOS: {what})"
        report.rows(
            mask,
            "GEO-05",
            en=f"the polygon is not valid: {en} at {{found}}, expected simple rings, holes inside "
            f"the outer one (OGC Simple Features 6.1.11). Correct it there.{quoted}",
            zh=f"多边形无效：{zh}，位置 {{found}}；环线应不自交，洞应在外环之内。"
            f"请在该处修正。{quoted}",
            found=where,
            expected="valid polygon",
        )


def check_repeated(geometry: Objects, foot: Floats, report: Report) -> None:
    """Remark on footprints that occur again at the same ``foot`` (m above the base), whichever
    vertex they begin with; the first of each is not counted."""
    rows = np.flatnonzero(~report.bad)
    shapes = pd.DataFrame(
        {"wkb": shapely.to_wkb(shapely.normalize(geometry[rows])), "foot": foot[rows]}
    )
    first = shapes.groupby(["wkb", "foot"], sort=False).ngroup().to_numpy()
    again = shapes.duplicated().to_numpy(dtype=bool)
    mask = np.zeros(len(geometry), dtype=bool)
    mask[rows[again]] = True
    same = np.zeros(len(geometry), dtype=np.int64)
    same[rows] = rows[np.flatnonzero(~again)][first] + 1
    report.rows(
        mask,
        "GEO-08",
        en="the footprint is the same as that of feature {found}; both are kept. Remove the one "
        "that was exported twice.",
        zh="轮廓与第 {found} 个要素相同，均已保留。如系重复导出，请删除其一。",
        found=same,
        expected="different footprints",
        severity=Severity.INFO,
    )


def check_storeys(
    height: Floats, storeys: Floats, column: str | None, source: Objects, report: Report
) -> None:
    """Remark on delivered heights (m) that hardly go with the storeys beside them."""
    low, high = STOREY_RANGE
    with np.errstate(invalid="ignore"):
        odd = (height < low * storeys) | (height > np.where(storeys == 1, HALL, high * storeys))
    odd &= ~report.bad
    some = np.flatnonzero(odd)[:SAMPLED_ROWS]
    shown = np.full(len(height), "", dtype=object)
    shown[some] = [f"{h} / {n:.0f}" for h, n in zip(source[some], storeys[some], strict=True)]
    report.rows(
        odd,
        "BLD-09",
        en=f"height / storeys is {{found}}, expected {low:g} to {high:g} m a storey (one storey: "
        f"up to {HALL:g} m). The height was used; check both, and the unit.",
        zh=f"高度/层数为 {{found}}，每层通常为 {low:g} 至 {high:g} m（单层不超过 {HALL:g} m）。"
        "已采用高度，请核对二者及单位。",
        found=shown,
        expected=f"{low:g}..{high:g} m",
        column=column,
        severity=Severity.INFO,
    )


def refuse_without_heights(names: list[str], report: Report) -> None:
    """Refuse a layer none of whose columns (``names``) is a height or a number of storeys."""
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "") or "-"
    heights, storeys = buildings.known("height"), buildings.known("storeys")
    report.whole(
        "BLD-01",
        Severity.ERROR,
        en=f"no column of heights or storeys was recognised among {counted(len(names), 'column')}: "
        f"{shown}. Known names are such as {_some(heights)} for the height in metres, and "
        f"{_some(storeys)} for the storeys. Rename the column, or name it in a file given with "
        '--mapping, which holds a line such as "your column: height".',
        zh=f"{len(names)} 个字段中没有可识别的高度或层数字段：{shown}。"
        f"可识别的字段名：高度（米）如 {_some(heights)}；层数如 {_some(storeys)}。"
        "请更改字段名，或用 --mapping 指定对照文件，"
        "其中写一行“你的字段名: height”。",
        found=shown,
        expected=", ".join((*heights, *storeys)),
    )


def _some(words: tuple[str, ...]) -> str:
    plain, chinese = ([w for w in words if w.isascii() is kind][:3] for kind in (True, False))
    return ", ".join((*plain, *chinese))


def check_heights(height: Floats, source: Objects, column: str | None, report: Report) -> None:
    """Refuse rows whose ``height`` (m) is missing, not positive or absurd; ``source`` holds what
    the file says, to show it."""
    report.rows(
        np.isnan(height) & ~report.bad,
        "BLD-01",
        en="neither height nor storeys are given. Add a height in metres, or the storeys.",
        zh="既无高度也无层数。请补充建筑高度（米）或层数。",
        found="-",
        expected="height > 0 m, or storeys",
        column=column,
    )
    with np.errstate(invalid="ignore"):
        wrong = (height <= 0) | (height > MAX_HEIGHT)
    report.rows(
        wrong,
        "BLD-02",
        en=f"height is {{found}}, expected more than 0 and at most {MAX_HEIGHT:g} m. "
        "Check the value and its unit.",
        zh=f"高度为 {{found}}，应大于 0 且不超过 {MAX_HEIGHT:g} m。请核对数值与单位。",
        found=source,
        expected=f"0 < height <= {MAX_HEIGHT:g} m",
        column=column,
    )


def duplicated(keys: Objects) -> Mask:
    """Every occurrence of a key that occurs more than once; nulls aside."""
    series = pd.Series(keys, dtype=object)
    return (series.duplicated(keep=False) & series.notna()).to_numpy(dtype=bool)


def _finite(geometry: Objects) -> Mask:
    """Rows all of whose coordinates are finite, x and y."""
    coordinates, index = shapely.get_coordinates(geometry, return_index=True)
    finite = np.ones(len(geometry), dtype=bool)
    finite[index[~np.isfinite(coordinates).all(axis=1)]] = False
    return finite
