"""Lines with vertices between their points are checked as they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine

from ingest import testing
from ingest.readers.base import ReadOptions
from ingest.rules.context import CheckContext
from ingest.testing import EAST, NORTH
from models.crs import storage_to_geodetic
from models.elevation import Terrain, TerrainPassport
from models.features import Delivery
from models.findings import Finding

Plan = Sequence[tuple[float, float]]
#: 30 m north, then 40 m east: 70 m of pipe, 50 m as the crow flies.
CORNER: Plan = [(0, 0), (0, 30), (40, 30)]
#: Out of the way and back: 10 m between its ends, 60 m of pipe.
LOOP: Plan = [(0, 0), (0, 25), (10, 25), (10, 0)]


def draw(
    folder: Path,
    points: Mapping[str, tuple[float, float, Mapping[str, Any]]],
    lines: Mapping[str, tuple[Plan, Mapping[str, Any]]],
    *,
    crs: str = "EPSG:4549",
    code: str = "JS",
    context: CheckContext | None = None,
) -> Delivery:
    """A GeoPackage of points (m east and north of the origin) and of lines ``A~B`` drawn along a
    plan, read in its CRS."""
    path = folder / "survey.gpkg"
    usual: dict[str, Any] = {"地面高程": 4.0, "特征": "探测点", "附属物": None, "井深": None}
    section: dict[str, Any] = {
        "管径": "DN300", "材质": "球墨铸铁" if code == "JS" else "混凝土", "埋设方式": "直埋",
        "起点埋深": 1.2, "终点埋深": 1.2, "流向": None if code == "JS" else "+", "权属单位": "水务",
        "建设年代": "2016-05-12", "道路名称": "荣乐路",
    }  # fmt: skip
    rows = [{"物探点号": no, **usual, **more} for no, (_, _, more) in points.items()]
    at = [_moved([(x, y)], crs)[0] for x, y, _ in points.values()]
    _layer(path, f"{code}Point", rows, shapely.points(at), crs)
    rows = [
        {"起点点号": name.split("~")[0], "连接点号": name.split("~")[1], **section, **more}
        for name, (_, more) in lines.items()
    ]
    geoms = np.array([shapely.LineString(_moved(plan, crs)) for plan, _ in lines.values()])
    _layer(path, f"{code}Line", rows, geoms, crs)
    options = ReadOptions(vertical="1985", context=context or CheckContext())
    return testing.read(path, options=options)


def _moved(plan: Plan, crs: str) -> list[tuple[float, float]]:
    xy = np.add(plan, (EAST, NORTH))
    if crs == "EPSG:4549":
        return [tuple(p) for p in xy.tolist()]
    lon, lat, _ = storage_to_geodetic(xy[:, 0], xy[:, 1], np.zeros(len(xy)))
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def _layer(path: Path, name: str, rows: list[dict[str, Any]], geoms: Any, crs: str) -> None:
    columns = list(rows[0])
    pyogrio.raw.write(
        path,
        shapely.to_wkb(geoms),
        [np.array([row[c] for row in rows], object) for c in columns],
        np.array(columns),
        driver="GPKG",
        layer=name,
        crs=crs,
        geometry_type="Point" if name.endswith("Point") else "LineString",
        append=path.exists(),
    )


def of(delivery: Delivery, *rules: str) -> list[Finding]:
    return [f for f in delivery.findings if f.rule in rules]


def ridge(folder: Path, north: float, up: float) -> Terrain:
    """A DEM of height 4 with a trench (``up`` below zero) 10 m wide, ``north`` m of the origin."""
    path = folder / "terrain.tif"
    cells = np.full((400, 400), 4.0, np.float32)
    row = 200 - round(north)
    cells[row - 5 : row + 5, :] += up
    transform = Affine(1.0, 0.0, EAST - 200, 0.0, -1.0, NORTH + 200)
    with rasterio.open(
        path, "w", driver="GTiff", height=400, width=400, count=1, dtype="float32",
        crs="EPSG:4549", transform=transform,
    ) as raster:  # fmt: skip
        raster.write(cells, 1)
    return Terrain(path, TerrainPassport("terrain.tif", "0" * 64, "EPSG:4549", "1985"))


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:4490"])
@pytest.mark.parametrize(("plan", "found"), [(LOOP, True), ([LOOP[0], LOOP[-1]], False)])
def test_cover_is_taken_where_the_pipe_runs(
    tmp_path: Path, crs: str, plan: Plan, found: bool
) -> None:
    """Its ends are 1.2 m deep; 20 m north of them, where only the drawn line goes, a trench."""
    context = CheckContext(terrain=ridge(tmp_path, 20.0, -1.0))
    ends = {"A": (0, 0, {"特征": "起点"}), "B": (10, 0, {"特征": "起点"})}
    delivery = draw(tmp_path, ends, {"A~B": (plan, {})}, crs=crs, context=context)
    told = of(delivery, "CLS-02.cover")
    assert bool(told) is found
    if found:
        chainage = float(told[0].zh.split("距起点 ")[1].split(" m")[0])
        assert 14 <= chainage <= 26 or 34 <= chainage <= 46
        x, y = told[0].extra["source_position"][:2]
        expected = shapely.LineString(_moved(plan, crs))
        assert expected.distance(shapely.Point(x, y)) < (1e-3 if crs == "EPSG:4549" else 1e-8)
        assert expected.distance(shapely.Point(_moved([(5, 0)], crs)[0])) > 0


@pytest.mark.parametrize(
    ("at", "found"),
    [((-0.8, 15.0), True), ((-1.0, 15.0), True), ((-1.2, 15.0), False), ((20.0, 15.0), False)],
)
def test_an_open_end_is_near_the_drawn_line(
    tmp_path: Path, at: tuple[float, float], found: bool
) -> None:
    """The straight way between the ends passes (20, 15), the drawn one the place 15 m north."""
    points = {
        "A": (0, 0, {"特征": "起点"}),
        "B": (40, 30, {"特征": "起点"}),
        "C": (*at, {"特征": "起点"}),
        "D": (at[0] - 9.0, at[1] + 5.0, {"特征": "起点"}),
    }
    stub: Plan = [at, (at[0] - 9.0, at[1] + 5.0)]
    if at[0] > 0:  # clear of the corner
        points["D"] = (at[0] + 9.0, at[1] - 12.0, {"特征": "起点"})
        stub = [at, (at[0] + 9.0, at[1] - 12.0)]
    delivery = draw(tmp_path, points, {"A~B": (CORNER, {}), "C~D": (stub, {})})
    told = [f for f in of(delivery, "TOP-05") if f.place.element == "C"]
    assert bool(told) is found
    if found:
        assert told[0].found == str(abs(at[0])) and "A~B" in told[0].zh


@pytest.mark.parametrize(("depth", "found"), [(1.35, True), (1.45, False)])
def test_slope_is_over_the_drawn_length(tmp_path: Path, depth: float, found: bool) -> None:
    """0.003 of 70 m are 0.21 m; of the 50 m between the ends it were 0.15 m."""
    wells = {"附属物": "窨井", "井深": 2.0, "特征": None}
    points = {"A": (0, 0, wells), "B": (40, 30, wells)}
    delivery = draw(tmp_path, points, {"A~B": (CORNER, {"终点埋深": depth})}, code="YS")
    told = of(delivery, "GRV-04", "GRV-04.possible")
    assert bool(told) is found
    if found:
        assert float(str(told[0].found)) == pytest.approx((depth - 1.2) / 70, abs=1e-5)
    assert delivery.tables["pipe_segment"]["geom"].iloc[0].length == pytest.approx(70)


def test_spacing_and_length_are_those_of_the_drawn_line(tmp_path: Path) -> None:
    wells = {"附属物": "窨井", "井深": 2.0, "特征": None}
    points = {"A": (0, 0, wells), "B": (40, 30, wells)}
    long: Plan = [(0, 0), (0, 30), (0, 40), (40, 40), (40, 30)]  # 90 m
    for plan, found in ((long, True), (CORNER, False)):
        folder = tmp_path / str(found)
        folder.mkdir()
        delivery = draw(folder, points, {"A~B": (plan, {"终点埋深": 1.9})}, code="YS")
        assert bool(of(delivery, "GRV-06")) is found
        assert bool(of(delivery, "LN-04")) is found


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ([(0, 40), (0, 60), (-30, 60), (-30, 20)], False),  # on straight, then back in an arc
        ([(0, 40), (-20, 15), (-30, 20)], True),  # back down at once
        ([(0, 40), (-30, 40), (-30, 20)], False),  # a right angle
    ],
)
def test_the_water_turns_as_the_lines_are_drawn(tmp_path: Path, second: Plan, found: bool) -> None:
    """The end of the second line lies behind: straight to it the water would turn by 124°."""
    wells = {"附属物": "窨井", "井深": 4.0, "特征": None}
    points = {"A": (0, 0, wells), "B": (0, 40, wells), "C": (-30, 20, wells)}
    lines = {
        "A~B": ([(0, 0), (0, 40)], {"终点埋深": 1.4, "管径": "DN400"}),
        "B~C": (second, {"起点埋深": 1.4, "终点埋深": 1.9, "管径": "DN400"}),
    }
    told = of(draw(tmp_path, points, lines, code="YS"), "TOP-03")
    assert bool(told) is found
