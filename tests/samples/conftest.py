"""The committed sample deliveries, read with plain libraries (not with our readers)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import openpyxl
import pandas as pd
import pytest
import rasterio
from python_calamine import CalamineWorkbook

ROOT = Path(__file__).resolve().parents[2] / "data-samples"
ENGLISH = {
    "建筑编号": "id",
    "编号": "id",
    "建筑层数": "storeys",
    "层数": "storeys",
    "建筑高度": "height",
    "地面高程": "ground_height",
    "离地高度": "min_height",
    "所属建筑": "parent",
    "用途": "function",
}
Row = dict[str, str]
Survey = dict[str, tuple[list[Row], list[Row]]]
F64 = npt.NDArray[np.float64]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session", params=["songjiang-hub", "qianwan"])
def twin(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def survey(twin: str) -> Survey:
    """{class: (points, lines)} of a twin, all cells as text under the names of their columns."""
    folder = ROOT / twin
    if twin == "songjiang-hub":
        return _workbook(folder / "pipes.xlsx")
    found = {}
    for path in sorted((folder / "pipes").glob("*_点表.csv")):
        code = path.name.split("_")[0]
        texts = [
            path.with_name(f"{code}_{kind}.csv").read_bytes().decode("gb18030")
            for kind in ("点表", "线表")
        ]
        points, lines = (_table(csv.reader(text.splitlines())) for text in texts)
        found[code] = (points, lines)
    old = CalamineWorkbook.from_path(str(folder / "pipes_heat_light.xls"))
    for code in ("RL", "LD"):
        sheets = [old.get_sheet_by_name(f"{code}{kind}").to_python() for kind in ("Point", "Line")]
        points, lines = (_table([_text(c) for c in row] for row in sheet) for sheet in sheets)
        found[code] = (points, lines)
    return found


@pytest.fixture(scope="session")
def footprints(twin: str) -> geopandas.GeoDataFrame:
    """Buildings and parts of a twin in EPSG:4549; heights are from the ground to the top."""
    if twin == "songjiang-hub":
        frames = [geopandas.read_file(ROOT / twin / "buildings.gpkg")]
    else:
        frames = [
            geopandas.read_file(ROOT / twin / "buildings.geojson").to_crs("EPSG:4549"),
            geopandas.read_file(ROOT / twin / "buildings_south.shp", encoding="GBK"),
        ]
    frames = [f.rename(columns=ENGLISH).set_crs("EPSG:4549", allow_override=True) for f in frames]
    return geopandas.GeoDataFrame(pd.concat(frames, ignore_index=True), crs="EPSG:4549")


@pytest.fixture(scope="session")
def ground(twin: str) -> Callable[[F64, F64], F64]:
    """Height of the twin's DEM at points (east, north), bilinear, m."""
    with rasterio.open(ROOT / twin / "dem.tif") as dem:
        cells, inverse = dem.read(1).astype(np.float64), ~dem.transform

    def at(east: F64, north: F64) -> F64:
        col, row = inverse @ np.array([east, north, np.ones_like(east)])[:2]
        x, y = col - 0.5, row - 0.5
        i, j = np.floor(y).astype(int), np.floor(x).astype(int)
        a, b = y - i, x - j
        low = cells[i, j] * (1 - b) + cells[i, j + 1] * b
        high = cells[i + 1, j] * (1 - b) + cells[i + 1, j + 1] * b
        result: F64 = low * (1 - a) + high * a
        return result

    return at


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _table(source: Iterable[Sequence[str]]) -> list[Row]:
    """Rows below the header; a title may stand above it, and a second header row or a row of
    units below it."""
    rows = list(source)
    top = next(i for i, row in enumerate(rows) if {"物探点号", "起点点号"} & set(row))
    header, below = list(rows[top]), rows[top + 1]
    if below[0] == "":
        if not {"m", "mm"} & set(below):
            header = [low or high for low, high in zip(below, header, strict=True)]
        top += 1
    return [dict(zip(header, row, strict=True)) for row in rows[top + 1 :]]


def _workbook(path: Path) -> Survey:
    book = openpyxl.load_workbook(path)
    sheets = {
        sheet.title: _table([_text(c) for c in row] for row in sheet.iter_rows(values_only=True))
        for sheet in book
        if sheet.title != "说明"
    }
    names = {"给水": "JS", "雨水": "YS", "污水": "WS", "燃气": "RQ", "热力": "RL"}
    names |= {"电力": "DL", "通信": "TX", "路灯": "LD"}
    return {code: (sheets[f"{name}点"], sheets[f"{name}线"]) for name, code in names.items()}
