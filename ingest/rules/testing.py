"""Tiny surveys for the tests of rules, written as edits of one that is right.

A case is a mapping (YAML). The survey is a straight run of four points ``JS1`` … ``JS4``, 30 m
apart to the north (``JS1`` 30 m north of the origin), each 4 m high, and the three lines between
them, 1.2 m deep (``class`` gives another class, ``count`` another number). What a case may say:

``points``, ``lines``: edits by number or ``start~end``; unknown ones are further rows. ``dx`` and
``dy`` (m north and east of the origin) stand for X and Y.
``every_point``, ``every_line``: edits of all rows; ``again_points``, ``again_lines``: rows behind,
each an edit of the row it names in ``of``.
``drop``: columns that are left out; ``surplus``: points that get a field too many (as CSV);
``sheets``: further sheets of cells; ``profile``.
``beside``: a case that is handed in with it as a file of its own.
``terrain``: height of a flat DEM; ``area``: [south, west, north, east] of the submission's polygon
(m from the origin); ``design``: a case; ``checks``: a sheet of check measurements, in whose cells
``X+30.5`` and ``Y+0`` stand for coordinates.
``found``: whether the rule is to be found (borderline cases).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine

from ingest import testing
from ingest.errors import RefusedError
from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from ingest.readers.tables import read_grids
from ingest.rules.context import CheckContext
from ingest.rules.resurvey import read_resurvey
from ingest.testing import CRS, DATUM, EAST, LINE, NORTH, POINT, Row
from models.elevation import Terrain, TerrainPassport
from models.features import Delivery
from models.findings import Finding

Case = Mapping[str, Any]


def check_case(case: Case, folder: Path) -> tuple[Finding, ...]:
    """The findings of a case, whose files are written to ``folder``; refused ones included."""
    if "beside" in case:
        (folder / "beside").mkdir()
        paths = [*write_case(case, folder), *write_case(case["beside"], folder / "beside")]
        results = check(paths, _options(case, folder))
        return tuple(finding for result in results for finding in result.findings)
    try:
        return read_case(case, folder).findings
    except RefusedError as error:
        return error.findings


def read_case(case: Case, folder: Path) -> Delivery:
    """The delivery of a case. Raises :class:`ingest.errors.RefusedError`."""
    return testing.read(*write_case(case, folder), options=_options(case, folder))


def write_case(case: Case, folder: Path) -> list[Path]:
    """Write the survey of a case: a workbook, or two CSV files where a field is too many."""
    code = case.get("class", "JS")
    points, lines = _rows(case, code)
    drop = set(case.get("drop", ()))
    cells = {
        f"{code}{kind}": testing.cells(_header(columns, rows, drop), rows, [CRS, DATUM])
        for kind, columns, rows in (("Point", POINT, points), ("Line", LINE, lines))
    }
    if "surplus" in case:
        paths = []
        for kind, table in cells.items():
            grid = [[*row, *["9"] * (bool(row) and row[0] in case["surplus"])] for row in table[2:]]
            paths.append(testing.write_csv(folder / f"{kind}.csv", grid))
        return paths
    extra = {name: _cells(table) for name, table in case.get("sheets", {}).items()}
    return [testing.write_xlsx(folder / "survey.xlsx", {**cells, **extra})]


def _rows(case: Case, code: str) -> tuple[list[Row], list[Row]]:
    points, lines = testing.run_of(case.get("count", 4) + 1, code)
    points, lines = points[1:], lines[1:]
    points[0]["特征"] = "起点"
    for name, rows in (("every_point", points), ("every_line", lines)):
        for row in rows:
            row.update(_edit(case.get(name, {})))
    by_number = {str(row["物探点号"]): row for row in points}
    for number, edit in (case.get("points") or {}).items():
        if number not in by_number:
            by_number[number] = testing.point(number)
            points.append(by_number[number])
        by_number[number] |= _edit(edit)
    by_ends = {f"{row['起点点号']}~{row['连接点号']}": row for row in lines}
    for ends, edit in (case.get("lines") or {}).items():
        if ends not in by_ends:
            by_ends[ends] = testing.line(*ends.split("~"))
            lines.append(by_ends[ends])
        by_ends[ends] |= _edit(edit)
    for edit in case.get("again_points", ()):
        points.append({**by_number[edit["of"]], **_edit(edit)})
    for edit in case.get("again_lines", ()):
        lines.append({**by_ends[edit["of"]], **_edit(edit)})
    return points, lines


def _edit(edit: Mapping[str, Any]) -> Row:
    row = {name: value for name, value in edit.items() if name not in ("dx", "dy", "of")}
    for name, column, origin in (("dx", "X", NORTH), ("dy", "Y", EAST)):
        if name in edit:
            row[column] = round(origin + edit[name], 4)
    return row


def _header(columns: list[str], rows: list[Row], drop: set[str]) -> list[str]:
    extra = [name for row in rows for name in row if name not in columns]
    return [name for name in dict.fromkeys([*columns, *extra]) if name not in drop]


def _cells(table: list[list[Any]]) -> list[list[Any]]:
    return [[_coordinate(value) for value in row] for row in table]


def _coordinate(value: Any) -> Any:
    if isinstance(value, str) and value[:2] in ("X+", "Y+"):
        return round((NORTH if value[0] == "X" else EAST) + float(value[2:]), 4)
    return value


def _options(case: Case, folder: Path) -> ReadOptions:
    given: dict[str, Any] = {}
    if "terrain" in case:
        given["terrain"] = flat_terrain(folder, case["terrain"])
    if "area" in case:
        south, west, north, east = case["area"]
        given["area"] = shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)
    if "design" in case:
        (folder / "design").mkdir()
        given["design"] = read_case(case["design"], folder / "design")
    if "checks" in case:
        path = testing.write_xlsx(folder / "checks.xlsx", {"检查": _cells(case["checks"])})
        given["resurveys"] = read_resurvey(read_grids(path))
    declared = testing.DECLARED if "surplus" in case else ReadOptions()
    return replace(declared, profile=case.get("profile"), context=CheckContext(**given))


def flat_terrain(folder: Path, height: float) -> Terrain:
    """A DEM of one 1985 height, 2 km around the origin of :mod:`ingest.testing`."""
    path = folder / "terrain.tif"
    cells = np.full((40, 40), height, np.float32)
    transform = Affine(50.0, 0.0, EAST - 1000, 0.0, -50.0, NORTH + 1000)
    with rasterio.open(
        path, "w", driver="GTiff", height=40, width=40, count=1, dtype="float32",
        crs="EPSG:4549", transform=transform,
    ) as raster:  # fmt: skip
        raster.write(cells, 1)
    return Terrain(path, TerrainPassport("terrain.tif", "0" * 64, "EPSG:4549", "1985"))
