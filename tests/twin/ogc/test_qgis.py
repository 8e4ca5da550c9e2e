"""QGIS reads every collection, and draws the vector tiles by their style."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from models.testing import free_port
from tests.twin.ogc.city import TWIN, City
from twin.testing import Program

PYTHON = Path("/usr/bin/python3")
SCRIPT = Path(__file__).with_name("qgis_reads.py")
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
COLLECTIONS = {
    "buildings": "building", "building-parts": "building_part", "bim-elements": "bim_element",
    "pipe-points": "pipe_point", "pipe-segments": "pipe_segment",
}  # fmt: skip


def has_qgis() -> bool:
    words = [str(PYTHON), "-c", "import qgis.core"]
    return PYTHON.exists() and subprocess.run(words, capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not has_qgis(), reason="needs Debian's python3-qgis and qgis-providers"),
]


@pytest.fixture(scope="module")
def root(city: City) -> Iterator[str]:
    program = Program(city.home / "qgis", {"TWIN_DATABASE_URL": city.database})
    with program.serving("serve", free_port()) as service:
        yield f"{service.url}/ogc/{TWIN}"


@pytest.fixture(scope="module")
def seen(city: City, root: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What QGIS saw."""
    folder = tmp_path_factory.mktemp("files")
    for code in (4549, 4490):
        file = httpx.get(f"{root}/collections/buildings/items?f=fgb&crs={EPSG}{code}").content
        (folder / f"{code}.fgb").write_bytes(file)
    lines = shapely.transform(
        shapely.force_2d(city.tables["pipe_segment"]["geom"].to_numpy()),
        Transformer.from_crs(4549, 3857, always_xy=True).transform,
        interleaved=False,
    )
    west, south, east, north = shapely.total_bounds(lines).tolist()
    middle, half = (south + north) / 2, (east - west) / 2
    box = json.dumps([west, middle - half, east, middle + half])
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(folder.parent)}
    ended = subprocess.run(
        [str(PYTHON), str(SCRIPT), root, str(folder), box],
        capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def plans(city: City, collection: str, code: int) -> dict[str, list[float]]:
    """Boxes of the delivered features by key, in degrees or metres, east first."""
    table = city.tables[COLLECTIONS[collection]]
    shapes = shapely.force_2d(table["geom"].to_numpy())
    if code == 4490:
        turn = Transformer.from_crs(4549, 4490, always_xy=True).transform
        shapes = shapely.transform(shapes, turn, interleaved=False)
    return dict(zip(table["key"], shapely.bounds(shapes).tolist(), strict=True))


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_qgis_reads_all_features_where_they_are(
    city: City, seen: dict[str, Any], collection: str
) -> None:
    layer = seen["collections"][collection]
    assert layer["crs"] in ("EPSG:4326", "OGC:CRS84")
    expected = plans(city, collection, 4490)
    assert layer["boxes"].keys() == expected.keys()
    for key, box in layer["boxes"].items():
        np.testing.assert_allclose(box, expected[key], rtol=0, atol=2e-7)


@pytest.mark.parametrize(("code", "tolerance"), [(4549, 1e-3), (4490, 1e-7)])
def test_qgis_opens_files_in_the_crs_of_the_plan(
    city: City, seen: dict[str, Any], code: int, tolerance: float
) -> None:
    layer = seen["files"][str(code)]
    expected = plans(city, "buildings", code)
    assert layer["boxes"].keys() == expected.keys()
    for key, box in layer["boxes"].items():
        np.testing.assert_allclose(box, expected[key], rtol=0, atol=tolerance)
    assert layer["fields"]["height"] == "Real"
    assert layer["fields"]["storeys"] == "Integer"
    assert layer["fields"]["valid_from"] == "DateTime"


def test_qgis_knows_the_types(seen: dict[str, Any]) -> None:
    fields = seen["collections"]["pipe-segments"]["fields"]
    assert (fields["built"], fields["valid_from"], fields["material"]) == (
        "Date", "DateTime", "String",
    )  # fmt: skip


def test_qgis_filters_by_attribute_and_place(city: City, seen: dict[str, Any]) -> None:
    assert seen["high"] == sorted(city.tables["building"].query("height > 12")["key"])
    assert seen["near"] == ["B20"]


def test_qgis_draws_the_tiles_by_their_style(seen: dict[str, Any]) -> None:
    assert seen["picture"]["valid"]
    assert seen["picture"]["converted"] == 0  # all of the style was understood
    assert seen["picture"]["drawn"] > 400  # a line from one side to the other
