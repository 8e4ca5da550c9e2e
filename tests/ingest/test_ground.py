"""Buildings without a base height on the twin's elevation model, else on its typical ground."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import rasterio

from ingest.pipeline import check
from ingest.prepare import prepare
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_testing import feature, geojson, polygon, read
from ingest.rules.context import CheckContext
from models.crs import to_storage
from models.elevation import Terrain, TerrainPassport
from models.twins import load_twins

TWIN = load_twins()["songjiang-hub"]
LON, LAT = TWIN.centre


@pytest.fixture(scope="module")
def slope(tmp_path_factory: pytest.TempPathFactory) -> Terrain:
    """600 m around the twin's centre, rising by 1 m in 100 m to the east from 10 m at the west."""
    path = tmp_path_factory.mktemp("dem") / "slope.tif"
    (east,), (north,), _ = to_storage([LON], [LAT], None, "EPSG:4490", "1985")
    cells = np.tile(10.0 + (np.arange(60) + 0.5) * 0.1, (60, 1)).astype(np.float32)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        dtype="float32",
        width=60,
        height=60,
        crs="EPSG:4549",
        transform=rasterio.Affine(10, 0, east - 300, 0, -10, north + 300),
    ) as raster:
        raster.write(cells, 1)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Terrain(path, TerrainPassport(path.name, digest, "EPSG:4549", "1985"))


def square(number: int, metres: float = 0.0, **properties: object) -> dict[str, object]:
    """A square of about 30 m whose south-west corner is ``metres`` east of the centre."""
    x, y, size = LON + metres / 95_500, LAT, 0.0003
    corners = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    return feature(number, polygon(corners), height=9, **properties)


def test_the_lowest_corner_counts_where_the_model_has_ground(
    tmp_path: Path, slope: Terrain
) -> None:
    rows = [square(1), square(2, 150.0), square(3, 2000.0), square(4, 60.0, base_height=4.5)]
    delivery = prepare(read(geojson(tmp_path, *rows)), TWIN, "city", terrain=slope)
    frame = delivery.tables["building"].set_index("key")
    assert frame["base_source"].to_dict() == {
        "b1": "terrain",
        "b2": "terrain",
        "b3": "twin",
        "b4": "attribute",
    }
    assert frame["base_height"].tolist() == pytest.approx(
        [13.0, 14.5, TWIN.ground_height, 4.5], abs=0.02
    )
    for base, shape in zip(frame["base_height"], frame["geom"], strict=True):
        assert {z for part in shape.geoms for _, _, z in part.exterior.coords} == {base}


def test_both_grounds_are_told_apart(tmp_path: Path, slope: Terrain) -> None:
    rows = [square(1), square(2, 60.0), square(3, 2000.0)]
    delivery = prepare(read(geojson(tmp_path, *rows)), TWIN, "city", terrain=slope)
    on_model, flat = [f for f in delivery.findings if f.code == "BLD-10"]
    assert on_model.extra == {"count": 2, "rows": [1, 2]}
    assert on_model.found == "slope.tif"
    assert "slope.tif" in on_model.zh
    assert "最低" in on_model.zh
    assert "lowest" in on_model.en
    assert flat.extra == {"count": 1, "rows": [3]}
    assert "everywhere" in flat.en


def test_a_part_stands_where_its_building_does(tmp_path: Path, slope: Terrain) -> None:
    rows = [
        square(1),
        square(2, 80.0, parent="b1", min_height=3),
        square(3, 100.0, base_height=7.25),
        square(4, 130.0, parent="b3"),
    ]
    tables = prepare(read(geojson(tmp_path, *rows)), TWIN, "city", terrain=slope).tables
    base = tables["building"].set_index("key")["base_height"]
    parts = tables["building_part"].set_index("key")
    assert parts["base_height"]["b2"] == pytest.approx(base["b1"] + 3)
    assert parts["base_height"]["b4"] == 7.25
    assert parts["base_source"].to_dict() == {"b2": "terrain", "b4": "attribute"}


def test_a_check_uses_the_model_of_its_context_and_needs_none(
    tmp_path: Path, slope: Terrain
) -> None:
    path = geojson(tmp_path, square(1))
    for terrain, source in ((slope, "terrain"), (None, "twin")):
        options = ReadOptions(vertical="1985", context=CheckContext(terrain=terrain))
        (result,) = check([path], options, TWIN)
        assert result.delivery is not None, result.findings
        assert set(result.delivery.tables["building"]["base_source"]) == {source}
