"""The sample buildings: enough, believable, sound."""

from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
import yaml

from ingest.readers.base import ReadOptions
from ingest.readers.footprints import FootprintReader
from models.findings import Severity

CENTRES = {"songjiang-hub": (121.2264, 30.9869), "qianwan": (121.30, 31.17)}


@pytest.fixture(scope="module")
def whole(footprints: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    return footprints[footprints["parent"].isna()]


@pytest.fixture(scope="module")
def parts(footprints: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    return footprints[footprints["parent"].notna()]


def test_at_least_3000_with_unique_keys(whole: geopandas.GeoDataFrame) -> None:
    assert len(whole) >= 3000
    assert whole["id"].is_unique


def test_valid_simple_polygons_and_some_courtyards(footprints: geopandas.GeoDataFrame) -> None:
    assert (footprints.geom_type == "Polygon").all()
    assert footprints.is_valid.all()
    assert (shapely.get_num_interior_rings(footprints.geometry.to_numpy()) > 0).sum() >= 5


def test_no_two_buildings_overlap(whole: geopandas.GeoDataFrame) -> None:
    shapes = whole.geometry.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = left < right
    area = shapely.area(shapely.intersection(shapes[left[pairs]], shapes[right[pairs]]))
    assert area.sum() < 1e-3


def test_around_the_true_place(twin: str, whole: geopandas.GeoDataFrame) -> None:
    to_storage = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)
    centre = shapely.Point(to_storage.transform(*CENTRES[twin]))
    distance = whole.geometry.centroid.distance(centre)
    assert distance.max() < 2000.0
    assert distance.min() < 200.0


def test_storeys_agree_with_heights(footprints: geopandas.GeoDataFrame) -> None:
    known = footprints[footprints["height"].notna()]
    floor = (known["height"] - known["min_height"]) / known["storeys"]
    roofs = known["function"].isin(["工业", "交通枢纽", "交通设施", "文化", "展览"])
    assert floor[~roofs].between(2.6, 7.6).all()
    assert (footprints["storeys"] >= 1).all()


def test_ground_is_that_of_the_terrain(
    whole: geopandas.GeoDataFrame, ground: Callable[..., np.ndarray]
) -> None:
    centre = whole.geometry.centroid
    found = ground(centre.x.to_numpy(), centre.y.to_numpy())
    assert np.abs(found - whole["ground_height"].to_numpy(float)).max() < 0.1


def test_parts_stand_on_their_building(
    whole: geopandas.GeoDataFrame, parts: geopandas.GeoDataFrame
) -> None:
    owners = whole.set_index("id").loc[parts["parent"]]
    assert (parts["height"].to_numpy(float) <= owners["height"].to_numpy(float) + 1e-6).all()
    outline = shapely.buffer(owners.geometry.to_numpy(), 0.01)
    assert shapely.covers(outline, parts.geometry.to_numpy()).all()
    assert (parts["min_height"] > 0).any()


def test_our_reader_has_nothing_against_them(twin: str, root: Path) -> None:
    rows = yaml.safe_load((root / "samples.yaml").read_text("utf-8"))
    reader = FootprintReader()
    own = [r for r in rows if r["twin"] == twin and r["dataset"].startswith("buildings")]
    assert own
    for row in own:
        (group,) = reader.group([root / name for name in row["files"]])
        delivery = reader.read(group, ReadOptions(vertical=row["vertical"]))
        assert [f for f in delivery.findings if f.severity is not Severity.INFO] == []
        assert sum(map(len, delivery.tables.values())) == delivery.features_in > 0
