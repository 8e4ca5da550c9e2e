"""Cover metre by metre: terrain between the points, and the surface that decides the limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.readers.base import ReadOptions
from ingest.rules.context import CheckContext
from ingest.testing import EAST, NORTH, line, point, read, run_of, workbook
from models.elevation import Terrain, TerrainPassport
from models.features import Delivery
from models.findings import Finding, Severity


def ditch(folder: Path, ground: float, bottom: float) -> Terrain:
    """Level ground with a ditch 4 m wide from west to east, 15 m north of the origin."""
    cells = np.full((200, 200), ground, np.float32)
    north = NORTH + 100.0 - np.arange(200) - 0.5
    cells[np.abs(north - (NORTH + 15.0)) < 2.0] = bottom
    transform = Affine(1.0, 0.0, EAST - 100.0, 0.0, -1.0, NORTH + 100.0)
    path = folder / "dem.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=200, width=200, count=1, dtype="float32",
        crs="EPSG:4549", transform=transform,
    ) as raster:  # fmt: skip
        raster.write(cells, 1)
    return Terrain(path, TerrainPassport("dem.tif", "0" * 64, "EPSG:4549", "1985"))


def covers(delivery: Delivery) -> list[Finding]:
    return [f for f in delivery.findings if str(f.rule).startswith("CLS-02.cover")]


def main(folder: Path, terrain: Terrain | None = None, **more: Any) -> Delivery:
    points, lines = run_of(2, **more)
    options = ReadOptions(context=CheckContext(terrain=terrain))
    return read(workbook(folder / "survey.xlsx", points, lines), options=options)


def test_a_ditch_between_the_points_is_found_where_it_is(tmp_path: Path) -> None:
    """1.2 m of cover at both ends, 0.2 m in the ditch; the DEM is 0.3 m too high everywhere."""
    (finding,) = covers(main(tmp_path, ditch(tmp_path, 4.3, 3.3)))
    assert (finding.rule, finding.severity) == ("CLS-02.cover", Severity.WARNING)
    assert float(finding.found or "nan") == pytest.approx(0.2, abs=0.01)
    east, north, height = finding.extra["source_position"]
    assert (east, north) == pytest.approx((EAST, NORTH + 15.0), abs=2.5)
    assert height == pytest.approx(2.65)
    assert "地面取自地形" in finding.zh and "from terrain" in finding.en


def test_without_terrain_the_ground_is_straight_between_the_points(tmp_path: Path) -> None:
    assert covers(main(tmp_path)) == []


@pytest.mark.parametrize(
    ("surface", "limit", "words"),
    [
        ("机动车道", "≥ 0.7 m", ("路面：机动车道", "surface: 机动车道")),
        ("车行道", "≥ 0.7 m", ("路面：车行道", "surface: 车行道")),
        ("人行道", "≥ 0.6 m", ("路面：人行道", "surface: 人行道")),
        ("绿地", "≥ 0.6 m", ("限值表未列", "not in the table")),
        ("不详", "≥ 0.6 m", ("未给出", "not given")),
    ],
)
def test_the_surface_above_chooses_the_limit(
    tmp_path: Path, surface: str, limit: str, words: tuple[str, str]
) -> None:
    depths = {"起点埋深": 0.1, "终点埋深": 0.1}
    delivery = main(tmp_path, None, **depths, **{"路面类型": surface})
    (finding,) = covers(delivery)
    assert (finding.rule, finding.expected) == ("CLS-02.cover", limit)
    assert words[0] in finding.zh and words[1] in finding.en
    (attrs,) = delivery.tables["pipe_segment"]["attrs"]
    assert attrs.get("surface") == (None if surface == "不详" else surface)


def test_terrain_elsewhere_changes_nothing(tmp_path: Path) -> None:
    far = ditch(tmp_path, 4.3, 3.3)
    points, lines = run_of(2)
    for row in points:
        row["Y"] += 3000.0
    options = ReadOptions(context=CheckContext(terrain=far))
    assert covers(read(workbook(tmp_path / "s.xlsx", points, lines), options=options)) == []


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(depth=st.integers(10, 120))
def test_the_verdict_follows_the_measured_cover(tmp_path: Path, depth: int) -> None:
    """Water under a footway: 0.6 m; probed at 1 m or less: 2 sigma = 0.1616 m."""
    cover, error = depth / 100, 2 * np.hypot(0.03, 0.075)
    found = covers(main(tmp_path, 起点埋深=cover, 终点埋深=cover))
    if cover + error < 0.6:
        assert [f.rule for f in found] == ["CLS-02.cover"]
    elif cover < 0.6:
        assert [f.rule for f in found] == ["CLS-02.cover.unverified"]
    elif cover - error < 0.6:
        assert [f.rule for f in found] == ["CLS-02.cover.near"]
    else:
        assert found == []
    assert all("未给出，按较低限值" in f.zh or "未给出" in f.zh for f in found)


def test_the_least_cover_is_the_finding(tmp_path: Path) -> None:
    (finding,) = covers(main(tmp_path, 起点埋深=0.9, 终点埋深=0.3))
    assert float(finding.found or "nan") == pytest.approx(0.3)
    assert finding.extra["source_position"][1] == pytest.approx(NORTH + 30.0)


@pytest.mark.parametrize("word", ["出地", "上杆点"])
@pytest.mark.parametrize("drawn", ["up", "down"])
@pytest.mark.parametrize("run", [0.0, 0.5, 30.0])
def test_a_line_that_leaves_the_ground_has_no_cover_to_keep(
    tmp_path: Path, word: str, drawn: str, run: float
) -> None:
    points = [point("JS0", 特征="弯头"), point("JS1", dx=run, 特征=word)]
    riser = line("JS0", "JS1", 起点埋深=1.2, 终点埋深=-0.5)
    if drawn == "down":
        riser = line("JS1", "JS0", 起点埋深=-0.5, 终点埋深=1.2)
    assert covers(read(workbook(tmp_path / "s.xlsx", points, [riser]))) == []


def test_a_lamp_post_is_climbed_from_the_point_that_says_so(tmp_path: Path) -> None:
    points = [point("JS0", 特征="上杆"), point("JS1", 特征="直线点")]
    climb = line("JS0", "JS1", 起点埋深=0.7, 终点埋深=0.0)
    assert covers(read(workbook(tmp_path / "s.xlsx", points, [climb]))) == []


def test_a_shallow_line_to_a_riser_is_still_found(tmp_path: Path) -> None:
    points = [point("JS0"), point("JS1", dx=30.0, 特征="出地")]
    shallow = line("JS0", "JS1", 起点埋深=0.3, 终点埋深=0.3)
    (finding,) = covers(read(workbook(tmp_path / "s.xlsx", points, [shallow])))
    assert (finding.rule, finding.found) == ("CLS-02.cover", "0.3")


@pytest.mark.parametrize(("depth", "shown"), [(0.596, "0.596"), (0.5996, "0.599")])
def test_a_cover_below_its_limit_is_seen_to_be(tmp_path: Path, depth: float, shown: str) -> None:
    (finding,) = covers(main(tmp_path, 起点埋深=depth, 终点埋深=depth))
    assert (finding.rule, finding.found) == ("CLS-02.cover.unverified", shown)
    assert f"{shown} m" in finding.zh and f"{shown} m" in finding.en
    assert finding.clause and "4.1.1" in finding.clause


def test_what_only_the_error_and_an_unread_limit_leave_open_is_one_finding(tmp_path: Path) -> None:
    points, lines = run_of(6, 起点埋深=0.55, 终点埋深=0.55)
    (finding,) = covers(read(workbook(tmp_path / "s.xlsx", points, lines)))
    assert (finding.rule, finding.severity) == ("CLS-02.cover.unverified", Severity.INFO)
    assert (finding.extra["count"], finding.extra["rows"]) == (5, "4-8")
    assert "0.55 m" in finding.zh and "0.55 m" in finding.en


def test_lines_above_the_ground_have_no_cover(tmp_path: Path) -> None:
    assert covers(main(tmp_path, 起点埋深=-2.0, 终点埋深=-2.0, 埋设方式="架空")) == []
