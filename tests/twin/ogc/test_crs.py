"""Part 2: the same place in every CRS, each with its own axes, and heights by their datum."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from models.crs import storage_to_geodetic
from tests.twin.ogc.city import TWIN, City

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS84H = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
COLLECTIONS = ("buildings", "building-parts", "bim-elements", "pipe-points", "pipe-segments")
FLAT = {
    CRS84: ("EPSG:4490", False),
    f"{EPSG}4326": ("EPSG:4490", True),
    f"{EPSG}4490": ("EPSG:4490", True),
    f"{EPSG}4549": ("EPSG:4549", True),
    f"{EPSG}3857": ("EPSG:3857", False),
}


def points(client: httpx.Client, collection: str = "pipe-points", **parameters: Any) -> Any:
    answer = client.get(
        f"/collections/{collection}/items",
        params={"limit": 99, "sortby": "source_row", **parameters},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-crs"] == f"<{parameters.get('crs', CRS84)}>"
    shapes = shapely.from_geojson(
        [httpx.Response(200, json=f["geometry"]).text for f in answer.json()["features"]]
    )
    return shapely.get_coordinates(shapes, include_z=True)


def test_every_collection_lists_the_same(client: httpx.Client) -> None:
    found = client.get("/collections").json()
    every = [CRS84, CRS84H, *(f"{EPSG}{code}" for code in (4326, 4490, 4979, 3857, 4549))]
    assert found["crs"] == every
    for one in found["collections"]:
        if one["itemType"] == "record":  # boxes of datasets, for whoever looks for some
            continue
        # some clients try all that a collection lists, and few know 4979
        assert one["crs"] == [crs for crs in every if not crs.endswith("4979")]
        assert one["storageCrs"] == f"{EPSG}4549"
        assert one["storageCrsCoordinateEpoch"] == 2000.0


def test_the_definition_offers_all_seven(client: httpx.Client) -> None:
    """EPSG:4979 too, which collections do not list."""
    parameters = client.get("/api").json()["components"]["parameters"]
    for name in ("crs", "bbox-crs", "filter-crs"):
        assert parameters[name]["schema"]["enum"] == client.get("/collections").json()["crs"]


@pytest.mark.parametrize("crs", FLAT)
def test_a_flat_crs_has_its_axes_and_no_heights(client: httpx.Client, city: City, crs: str) -> None:
    stored = shapely.get_coordinates(city.tables["pipe_point"]["geom"].to_numpy())
    name, flipped = FLAT[crs]
    # 4490 and 4326 hold the same degrees here (models.horizontal), hence 3857 from 4326
    lon, lat = Transformer.from_crs(4549, 4490, always_xy=True).transform(*stored.T)
    x, y = lon, lat
    if name == "EPSG:3857":
        x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(lon, lat)
    elif name == "EPSG:4549":
        x, y = stored.T
    expected = np.column_stack([y, x] if flipped else [x, y])
    found = points(client, crs=crs)
    assert np.isnan(found[:, 2]).all()
    tolerance = 1e-8 if name == "EPSG:4490" else 1e-3
    np.testing.assert_allclose(found[:, :2], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("crs", "flipped"), [(CRS84H, False), (f"{EPSG}4979", True)])
def test_heights_are_ellipsoidal(client: httpx.Client, city: City, crs: str, flipped: bool) -> None:
    stored = shapely.get_coordinates(city.tables["pipe_segment"]["geom"].to_numpy(), include_z=True)
    lon, lat, up = storage_to_geodetic(*stored.T)
    found = points(client, "pipe-segments", crs=crs)
    expected = np.column_stack([lat, lon, up] if flipped else [lon, lat, up])
    np.testing.assert_allclose(found, expected, rtol=0, atol=6e-4)
    # the geoid lies 10 to 13 m above the ellipsoid in Shanghai: nothing was left as it was
    assert ((found[:, 2] - stored[:, 2]) > 10).all()


@pytest.mark.parametrize("crs", [*FLAT, CRS84H, f"{EPSG}4979"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_one_feature_as_among_all(client: httpx.Client, collection: str, crs: str) -> None:
    page = client.get(f"/collections/{collection}/items", params={"crs": crs}).json()
    one = page["features"][0]
    alone = client.get(f"/collections/{collection}/items/{one['id']}", params={"crs": crs})
    assert alone.json()["geometry"] == one["geometry"]
    assert alone.headers["content-crs"] == f"<{crs}>"


@pytest.mark.parametrize("crs", FLAT)
def test_a_box_in_every_crs_finds_the_same(client: httpx.Client, crs: str) -> None:
    all_ = points(client, crs=crs)[:, :2]
    low, high = np.sort(all_[[3, 7]], axis=0)
    margin = 1e-5 if abs(all_[0]).max() < 200 else 1.0
    box = ",".join(map(repr, [*(low - margin).tolist(), *(high + margin).tolist()]))
    found = points(client, crs=crs, bbox=box, **{"bbox-crs": crs})
    np.testing.assert_array_equal(np.sort(found[:, :2], 0), np.sort(all_[3:8], 0))


@pytest.mark.parametrize("crs", FLAT)
def test_a_filter_in_every_crs_finds_the_same(client: httpx.Client, crs: str) -> None:
    all_ = points(client, crs=crs)[:, :2]
    low, high = np.sort(all_[[3, 7]], axis=0)
    margin = 1e-5 if abs(all_[0]).max() < 200 else 1.0
    ring = shapely.box(*(low - margin), *(high + margin)).wkt
    found = points(client, filter=f"S_WITHIN(geometry,{ring})", **{"filter-crs": crs})
    assert len(found) == 5


@pytest.mark.parametrize("crs", FLAT)
@pytest.mark.parametrize("corners", [(0, 1, 2, 3), (0, 3, 2, 1), (2, 1, 0, 3), (2, 3, 0, 1)])
def test_boxes_of_a_filter_and_of_bbox_are_the_same(
    client: httpx.Client, crs: str, corners: tuple[int, ...]
) -> None:
    """Corners in either order; in degrees a west greater than the east is across 180 degrees."""
    all_ = points(client, crs=crs)[:, :2]
    low, high = np.sort(all_[[3, 7]], axis=0)
    degrees = abs(all_[0]).max() < 200
    margin = 1e-5 if degrees else 1.0
    sides = [*(low - margin).tolist(), *(high + margin).tolist()]
    box = [sides[n] for n in corners]
    text = ",".join(map(repr, box))
    named = points(client, bbox=text, **{"bbox-crs": crs})
    written = points(client, filter=f"S_WITHIN(geometry,BBOX({text}))", **{"filter-crs": crs})
    np.testing.assert_array_equal(written, named)
    x, y = (1, 0) if FLAT[crs][1] else (0, 1)
    inside = (all_ >= np.minimum(box[:2], box[2:])) & (all_ <= np.maximum(box[:2], box[2:]))
    across = degrees and box[x] > box[x + 2]
    assert len(written) == (inside[:, y] & (inside[:, x] != across)).sum()


@pytest.mark.parametrize("box", ["30,121,32,-170", "32,121,30,-170", "-90,120,90,119"])
def test_a_box_of_a_filter_may_lie_across_180_degrees(client: httpx.Client, box: str) -> None:
    given = {"filter": f"S_INTERSECTS(geometry,BBOX({box}))", "filter-crs": f"{EPSG}4326"}
    assert len(points(client, **given)) == 13


def test_tilesets_read_boxes_alike(city: City) -> None:
    counts = []
    for box in ("32,121,30,-170", "32,121.5,30,-170"):
        answer = httpx.get(
            f"{city.url}/tiles/{TWIN}/buildings/tileset.json",
            params={
                "filter": f"S_INTERSECTS(geometry,BBOX({box}))",
                "filter-crs": f"{EPSG}4326",
            },
            timeout=60,
        )
        assert answer.status_code == 200
        classes = answer.json().get("statistics", {"classes": {}})["classes"]
        counts.append(sum(one["count"] for one in classes.values()))
    assert counts == [63, 0]


def test_a_box_without_size_is_a_place(client: httpx.Client, city: City) -> None:
    stored = shapely.get_coordinates(city.tables["pipe_point"]["geom"].to_numpy())
    east, north = (float(value) for value in stored[3])
    storage, text = f"{EPSG}4549", f"{north!r},{east!r},{north!r},{east!r}"
    assert len(points(client, bbox=text, **{"bbox-crs": storage})) == 1
    given = {"filter": f"S_WITHIN(geometry,BBOX({text}))", "filter-crs": storage}
    assert len(points(client, **given)) == 1
    assert len(points(client, bbox="121.3,31.1,121.3,31.1")) == 0


@pytest.mark.parametrize("box", ["-200,-100,200,100", "-540,-120,540,120", "120,30,123,95"])
def test_a_box_may_be_larger_than_the_earth(client: httpx.Client, box: str) -> None:
    assert len(points(client, bbox=box)) == 13


def test_a_box_with_heights_may_be_anywhere(client: httpx.Client) -> None:
    assert len(points(client, bbox="-1e308,-1e308,-1e308,1e308,1e308,1e308")) == 13
    assert len(points(client, bbox="150,30,3,-170,32,6")) == 0
    assert len(points(client, bbox="1.7e308,9e20,-1.7e308,-9e15,-1.7e308,-3e16")) == 0


def test_names_of_the_same_crs(client: httpx.Client) -> None:
    path = "/collections/pipe-points/items"
    for text in ("EPSG:4549", "urn:ogc:def:crs:EPSG::4549", "[EPSG:4549]",
                 "https://www.opengis.net/def/crs/EPSG/0/4549"):  # fmt: skip
        answer = client.get(path, params={"crs": text})
        assert answer.headers["content-crs"] == f"<{EPSG}4549>"


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"crs": "http://www.opengis.net/def/crs/EPSG/0/99999"}, "crs"),
        ({"crs": "urn:ogc:def:crs:EPSG::0000"}, "crs"),
        ({"bbox-crs": "x", "bbox": "1,2,3,4"}, "bbox-crs"),
        ({"filter-crs": "x", "filter": "height>1"}, "filter-crs"),
        ({"filter": "S_WITHIN(geometry,POINT(31 121))"}, "filter"),
        ({"filter": "S_WITHIN(geometry,GEOMETRYCOLLECTION(POINT(121 31),POINT(31 121)))"},
         "filter"),
        # axes the other way round, and metres, where degrees east first belong
        ({"bbox": "31.16,121.29,31.18,121.31"}, "bbox"),
        ({"bbox": "31.16,121.29,0,31.18,121.31,9"}, "bbox"),
        ({"bbox": "616800,3430400,617000,3430600"}, "bbox"),
        ({"bbox": "13500000,3650000,13510000,3660000"}, "bbox"),
        ({"filter": "S_INTERSECTS(geometry,BBOX(31.16,121.29,31.18,121.31))"}, "filter"),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused(
    client: httpx.Client, parameters: dict[str, str], word: str
) -> None:
    answer = client.get("/collections/buildings/items", params=parameters)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{word}:")


@pytest.mark.parametrize("code", [4326, 4490, 4549])
def test_a_box_with_axes_exchanged_is_answered(client: httpx.Client, code: int) -> None:
    """Where north comes first, as ets-ogcapi-features10 asks in "verifyBboxCrsParameter"."""
    crs = f"{EPSG}{code}"
    north, east = points(client, crs=crs)[0, :2].tolist()
    for box, there in (
        ((north - 0.1, east - 0.1, north + 0.1, east + 0.1), True),
        ((east - 0.1, north - 0.1, east + 0.1, north + 0.1), False),
    ):
        given = {"bbox": ",".join(map(repr, box)), "bbox-crs": crs}
        answer = client.get("/collections/pipe-points/items", params=given)
        assert answer.status_code == 200
        assert bool(answer.json()["features"]) is there


@pytest.mark.parametrize(
    "text",
    [
        "S_INTERSECTS(geometry,POLYGON(({0} {1},{2} {1},{2} {3},{0} {3},{0} {1})))",
        "S_INTERSECTS(geometry,BBOX({0},{1},{2},{3}))",
    ],
)
def test_a_filter_in_metres_with_axes_exchanged_is_refused(client: httpx.Client, text: str) -> None:
    crs = f"{EPSG}4549"
    north, east = points(client, crs=crs)[0, :2].tolist()
    right = text.format(north - 1, east - 1, north + 1, east + 1)
    assert len(points(client, filter=right, **{"filter-crs": crs}))
    wrong = text.format(east - 1, north - 1, east + 1, north + 1)
    answer = client.get(
        "/collections/pipe-points/items", params={"filter": wrong, "filter-crs": crs}
    )
    assert answer.status_code == 400
    assert "filter-crs" in answer.json()["detail"]
