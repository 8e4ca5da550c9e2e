"""Vector tiles of the samples over HTTP, read by decoders that are not ours."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely

from models.crs import STORAGE
from models.mvt.grid import UNITS, project, tile_matrix_sets
from twin.testing import Service

SETS = tile_matrix_sets(STORAGE)
COLLECTIONS = ("buildings", "bim-elements", "pipe-points", "pipe-segments")
MVT = "application/vnd.mapbox-vector-tile"


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.url}/ogc/qianwan", timeout=30) as client:
        yield client


def metadata(client: httpx.Client, collection: str, tms: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/collections/{collection}/tiles/{tms}").json()
    return found


def places(limits: dict[str, Any]) -> list[tuple[int, int, int]]:
    rows = range(limits["minTileRow"], limits["maxTileRow"] + 1)
    cols = range(limits["minTileCol"], limits["maxTileCol"] + 1)
    return [(int(limits["tileMatrix"]), row, col) for row in rows for col in cols]


def layer(client: httpx.Client, collection: str, tms: str, place: tuple[int, int, int]) -> Any:
    zoom, row, col = place
    answer = client.get(f"/collections/{collection}/tiles/{tms}/{zoom}/{row}/{col}")
    if answer.status_code == 204:
        assert not answer.content
        return []
    assert answer.headers["content-type"] == MVT
    decoded = mapbox_vector_tile.decode(answer.content, default_options={"y_coord_down": False})
    assert list(decoded) == [collection]
    assert decoded[collection]["extent"] == UNITS
    assert decoded[collection]["version"] == 2
    return decoded[collection]["features"]


@pytest.mark.parametrize("tms", SETS)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_level_shows_every_feature_or_what_stands_for_it(
    client: httpx.Client, collection: str, tms: str
) -> None:
    told = metadata(client, collection, tms)
    total = told["layers"][0]["featureCount"]
    assert total > 0
    least = 0
    for limits in told["tileMatrixSetLimits"]:
        if len(places(limits)) > 12:
            break
        ids, stood_for = set(), 0
        for place in places(limits):
            for feature in layer(client, collection, tms, place):
                ids.add(feature["properties"].get("id"))
                stood_for += feature["properties"].get("count", 0)
        ids.discard(None)
        # those at the border of two tiles are in both; a few are smaller than a unit of the tile
        assert len(ids) + stood_for >= 0.98 * total, limits
        least += 1
    assert least >= 3


def test_tiles_show_features_where_they_are(client: httpx.Client) -> None:
    tms = SETS["WebMercatorQuad"]
    told = metadata(client, "pipe-points", tms.id)["tileMatrixSetLimits"]
    limits = next(one for one in told if one["tileMatrix"] == "18")
    found = {}
    for place in places(limits)[:: max(1, len(places(limits)) // 60)]:
        west, south, east, _ = tms.box(*place)
        for feature in layer(client, "pipe-points", tms.id, place):
            unit = (east - west) / UNITS
            xy = np.array(feature["geometry"]["coordinates"]) * unit + [west, south]
            found[feature["properties"]["id"]] = (xy, unit)
    assert len(found) > 10
    for identity, (xy, unit) in list(found.items())[:40]:
        answer = client.get(f"../../twins/qianwan/features/{identity}")
        attributes = answer.json()["attributes"]
        stored = np.array([[attributes["y_src"], attributes["x_src"]]])
        there = project(tms, stored, STORAGE)[0]
        assert np.abs(there - xy).max() <= 1.5 * unit


def test_gdal_reads_a_tile(client: httpx.Client, tmp_path: Path) -> None:
    told = metadata(client, "buildings", "WebMercatorQuad")
    limits = next(x for x in told["tileMatrixSetLimits"] if x["tileMatrix"] == "15")
    path = tmp_path / "tile.pbf"
    base = "/collections/buildings/tiles/WebMercatorQuad"
    tiles = [client.get(f"{base}/{zoom}/{row}/{col}").content for zoom, row, col in places(limits)]
    path.write_bytes(max(tiles, key=len))
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["buildings"]
    frame = pyogrio.read_dataframe(path)
    assert len(frame) > 0
    assert shapely.is_valid(frame.geometry.to_numpy()).all()
    fields = told["layers"][0]["propertiesSchema"]["properties"]
    assert set(frame.columns) - {"geometry", "mvt_id"} <= set(fields)


def test_a_tile_of_everything_has_one_layer_a_collection(client: httpx.Client) -> None:
    told = client.get("/tiles/EPSG4549Quad").json()
    first = told["tileMatrixSetLimits"][0]
    layers: set[str] = set()
    for zoom, row, col in places(first):
        answer = client.get(f"/tiles/EPSG4549Quad/{zoom}/{row}/{col}")
        layers |= set(mapbox_vector_tile.decode(answer.content))
    assert set(COLLECTIONS) <= layers
    assert {one["id"] for one in told["layers"]} >= layers


@pytest.mark.parametrize(
    "place",
    ["10/2147483647/2147483647", "18/0/0", "3/0/0", "21/0/0", "18/-1/0", "x/0/0"],
)
def test_outside_the_limits_there_is_nothing(client: httpx.Client, place: str) -> None:
    answer = client.get(f"/collections/buildings/tiles/WebMercatorQuad/{place}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail_zh"]


@pytest.mark.parametrize(
    "path",
    ["collections/none/tiles", "tiles/None", "tileMatrixSets/None", "styles/none", "../no/tiles"],
)
def test_what_is_not_there_is_told(client: httpx.Client, path: str) -> None:
    assert client.get(f"/{path}").status_code == 404


def test_an_unknown_parameter_is_refused(client: httpx.Client) -> None:
    assert client.get("/tiles?format=json").status_code == 400
    assert client.get("/tiles?f=html").status_code == 400


def test_a_tile_is_validated_cached_and_gzipped(client: httpx.Client) -> None:
    told = client.get("/collections/pipe-segments/tiles/WebMercatorQuad/tilejson").json()
    limits = metadata(client, "pipe-segments", "WebMercatorQuad")["tileMatrixSetLimits"][0]
    zoom, row, col = places(limits)[0]
    url = told["tiles"][0].format(z=zoom, y=row, x=col)
    answer = client.get(url)
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    assert plain.headers["etag"] != answer.headers["etag"]
    assert "no-cache" in client.get(url.split("?")[0]).headers["cache-control"]
    again = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    with client.stream("GET", url) as raw:
        sent = b"".join(raw.iter_raw())
    assert gzip.decompress(sent) == answer.content


def test_tile_json_and_styles_name_what_there_is(client: httpx.Client) -> None:
    told = client.get("/tiles/WebMercatorQuad/tilejson").json()
    assert told["tilejson"] == "3.0.0"
    assert told["minzoom"] < told["maxzoom"] <= 24
    known = {one["id"]: one["fields"] for one in told["vector_layers"]}
    assert known["pipe-segments"]["width_mm"] == "Number"
    west, south, east, north = told["bounds"]
    assert 121.27 < west < east < 121.33
    assert 31.14 < south < north < 31.2
    for one in client.get("/styles").json()["styles"]:
        answer = client.get(one["links"][0]["href"])
        assert answer.headers["content-type"] == one["links"][0]["type"]
        style = answer.json()
        assert style["version"] == 8
        (source,) = style["sources"].values()
        assert client.get(source["url"]).json()["tiles"] == told["tiles"]
        used = {x["source-layer"] for x in style["layers"] if "source-layer" in x}
        assert used
        assert used <= set(known)


def test_tile_matrix_sets_are_defined_in_the_axis_order_of_their_crs(client: httpx.Client) -> None:
    listed = client.get("/tileMatrixSets").json()["tileMatrixSets"]
    assert [one["id"] for one in listed] == list(SETS)
    own = client.get("/tileMatrixSets/EPSG4549Quad").json()
    assert own["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4549"
    assert own["orderedAxes"] == ["X", "Y"]
    assert own["tileMatrices"][0]["pointOfOrigin"] == [2.0**23, 500_000 - 2.0**22]
    for tms in (own, client.get("/tileMatrixSets/WebMercatorQuad").json()):
        for matrix in tms["tileMatrices"]:
            assert matrix["scaleDenominator"] == pytest.approx(matrix["cellSize"] / 0.00028)
            assert matrix["matrixWidth"] == 2 ** int(matrix["id"])


def test_lists_of_tilesets_say_what_the_conformance_suite_asks_for(client: httpx.Client) -> None:
    for path in ("/tiles", "/collections/buildings/tiles"):
        listed = client.get(path).json()["tilesets"]
        assert len(listed) == 2
        for one in listed:
            assert {"title", "dataType", "crs", "tileMatrixSetURI", "links"} <= set(one)
            self = next(x for x in one["links"] if x["rel"] == "self")
            assert client.get(self["href"]).json()["tileMatrixSetURI"] == one["tileMatrixSetURI"]
            item = next(x for x in one["links"] if x["rel"] == "item")
            assert item["templated"] is True
            for name in ("{tileMatrix}", "{tileRow}", "{tileCol}"):
                assert name in item["href"]
    api = client.get("../../api").json()
    ids = [o.get("operationId", "") for p in api["paths"].values() for o in p.values()]
    assert any(".collection.vector.getTile" in i for i in ids)
