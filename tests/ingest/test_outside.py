"""Buildings and BIM elements outside the polygon of a submission."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from ingest.outside import tell
from ingest.pipeline import check
from ingest.readers.base import ReadOptions
from ingest.rules.context import CheckContext
from ingest.testing import require_complete
from models.crs import STORAGE, to_storage
from models.features import Delivery
from models.findings import Finding, Severity
from models.twins import load_twins

SAMPLES = Path(__file__).parents[2] / "data-samples" / "qianwan"
TWIN = load_twins()["qianwan"]
DECLARED = ReadOptions(vertical="1985")


def about(path: Path, area: shapely.Polygon | None, *, stored: bool = False) -> list[Finding]:
    options = replace(DECLARED, context=CheckContext(area=area))
    (result,) = check([path], options, TWIN if stored else None)
    assert result.accepted == result.features_in
    return [f for f in result.findings if f.code in {"BLD-11", "IFC-13"}]


@pytest.fixture(scope="module")
def buildings() -> Delivery:
    (result,) = check([SAMPLES / "buildings.geojson"], DECLARED)
    assert result.delivery is not None
    return result.delivery


@pytest.mark.parametrize("stored", [False, True])
def test_buildings_outside_the_polygon_are_told_once_with_their_number(
    tmp_path: Path, stored: bool
) -> None:
    feature = '{"type": "Feature", "properties": {"id": "%s", "height": 9}, "geometry": %s}'
    rows = ", ".join(
        feature % (name, shapely.to_geojson(shapely.box(lon, 31.17, lon + 1e-4, 31.1701)))
        for name, lon in (("a", 121.30), ("b", 121.31))
    )
    path = tmp_path / "b.geojson"
    path.write_text(f'{{"type": "FeatureCollection", "features": [{rows}]}}')
    lon, lat = np.array([121.30]), np.array([31.17])
    east, north, _ = to_storage(lon, lat, None, "OGC:CRS84", "1985", STORAGE)
    area = shapely.Point(east[0], north[0]).buffer(500)
    (finding,) = about(path, area, stored=stored)
    require_complete(finding)
    assert (finding.severity, finding.place.row, finding.place.element) == (
        Severity.WARNING,
        2,
        "b",
    )
    metres = float(str(finding.found).removesuffix(" m"))
    assert metres == pytest.approx(954 - 500, abs=5)  # 0.01° of longitude at 31.17° N
    assert finding.extra["count"] == 1
    assert about(path, area.buffer(600), stored=stored) == []
    assert about(path, None, stored=stored) == []


def test_what_touches_the_polygon_is_inside(buildings: Delivery) -> None:
    every = shapely.box(*shapely.total_bounds(buildings.tables["building"]["geom"].to_numpy()))
    lon, lat = shapely.get_coordinates(every).T
    east, north, _ = to_storage(lon, lat, None, "OGC:CRS84", "1985", STORAGE)
    hull = shapely.MultiPoint(list(zip(east, north, strict=True))).convex_hull
    assert isinstance(hull, shapely.Polygon)
    assert tell(buildings, hull.buffer(1), STORAGE) == ()
    half = shapely.box(*hull.bounds[:3], (hull.bounds[1] + hull.bounds[3]) / 2)
    houses, parts = tell(buildings, half, STORAGE)
    assert 0 < houses.extra["count"] < len(buildings.tables["building"])
    assert 0 < parts.extra["count"] < len(buildings.tables["building_part"])
    assert "building parts lie outside" in parts.en


def test_elements_without_a_place_are_not_outside(buildings: Delivery) -> None:
    elements = buildings.tables["building"][["key", "geom"]].head(3).copy()
    elements.loc[1, "geom"] = None
    model = replace(buildings, tables={"bim_element": elements})
    (finding,) = tell(model, shapely.Point(620_000, 3_400_000).buffer(10), STORAGE)
    require_complete(finding)
    assert (finding.code, finding.extra["count"], finding.place.row) == ("IFC-13", 2, None)
    assert finding.place.element == elements["key"].iloc[0]


def test_a_delivery_without_a_usable_crs_is_left_to_others(buildings: Delivery) -> None:
    nowhere = shapely.Point(0, 0).buffer(1)
    for crs in (None, "EPSG:999999"):
        passport = replace(buildings.passport, horizontal=crs)
        assert tell(replace(buildings, passport=passport), nowhere, STORAGE) == ()
