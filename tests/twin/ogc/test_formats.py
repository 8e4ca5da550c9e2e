"""The other formats, each read back by a program that is not ours."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import geopandas
import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import shapely

from tests.twin.ogc.city import City

COLLECTIONS = {
    "buildings": "building", "building-parts": "building_part", "bim-elements": "bim_element",
    "pipe-points": "pipe_point", "pipe-segments": "pipe_segment",
}  # fmt: skip
#: Its number in WKB; GDAL makes it of polyhedra and prisms.
POLYHEDRAL_SURFACE_Z = 1015
CRS = "http://www.opengis.net/def/crs/"
CRS84H = f"{CRS}OGC/0/CRS84h"


def body(client: httpx.Client, collection: str, format_: str, **parameters: Any) -> httpx.Response:
    path = f"/collections/{collection}/items"
    answer = client.get(path, params={"f": format_, **parameters})
    assert answer.status_code == 200, answer.text
    return answer


def geojson(client: httpx.Client, collection: str, **parameters: Any) -> geopandas.GeoDataFrame:
    found = body(client, collection, "json", limit=100, **parameters).json()["features"]
    return geopandas.GeoDataFrame.from_features(found).assign(id=[f["id"] for f in found])


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("crs", [None, CRS84H, f"{CRS}EPSG/0/4549", f"{CRS}EPSG/0/4326"])
@pytest.mark.parametrize("format_", ["fgb", "parquet"])
def test_files_hold_all_features(
    client: httpx.Client, tmp_path: Path, collection: str, crs: str | None, format_: str
) -> None:
    given = {} if crs is None else {"crs": crs}
    answer = body(client, collection, format_, **given)
    file = tmp_path / f"items.{format_}"
    file.write_bytes(answer.content)
    read = geopandas.read_parquet if format_ == "parquet" else geopandas.read_file
    found = read(file)
    expected = geojson(client, collection, **given)
    assert found["id"].tolist() == expected["id"].tolist()
    assert found["key"].tolist() == expected["key"].tolist()
    assert set(expected.columns) == set(found.columns)
    flipped = crs is not None and "EPSG" in crs  # files are east first, whatever the CRS says
    shapes = expected.geometry.to_numpy()
    if flipped:
        shapes = shapely.transform(shapes, lambda c: c[:, ::-1])
    assert shapely.hausdorff_distance(shapely.force_2d(found.geometry.to_numpy()),
                                      shapely.force_2d(shapes)).max() < 1e-3  # fmt: skip
    assert found.geometry.has_z.all() == (crs in (CRS84H, f"{CRS}EPSG/0/4549"))
    if crs == f"{CRS}EPSG/0/4549":
        assert [c.to_epsg() for c in found.crs.sub_crs_list] == [4549, 5737]
    elif crs == CRS84H:
        assert found.crs.to_epsg() == 4979
    else:
        assert found.crs.equals("EPSG:4326", ignore_axis_order=True)


def test_types_and_missing_values_survive(client: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "items.fgb"
    file.write_bytes(body(client, "buildings", "fgb").content)
    flat = geopandas.read_file(file, use_arrow=False)
    parquet = pq.read_table(io.BytesIO(body(client, "buildings", "parquet").content))
    expected = geojson(client, "buildings")
    for found in (flat, parquet.to_pandas()):
        assert found["name"].isna().tolist() == expected["name"].isna().tolist()
        assert found["storeys"].isna().tolist() == expected["storeys"].isna().tolist()
        assert found["height"].tolist() == expected["height"].tolist()
        assert found["valid_from"].iloc[0].isoformat() == "2019-12-31T16:00:00+00:00"
        assert found["valid_to"].isna().all()
        assert [json.loads(a) for a in found["attrs"]] == expected["attrs"].tolist()
    geo = json.loads(parquet.schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["geometry_types"] == ["MultiPolygon"]


@pytest.mark.parametrize("collection", ["buildings", "pipe-segments"])
def test_the_extent_of_a_file_is_that_of_its_features(
    client: httpx.Client, tmp_path: Path, collection: str
) -> None:
    """Its header, written before any of them is read, states no other."""
    file = tmp_path / "items.fgb"
    file.write_bytes(body(client, collection, "fgb").content)
    bounds = geojson(client, collection).total_bounds
    assert pyogrio.read_info(file)["total_bounds"] is None
    stated = pyogrio.read_info(file, force_total_bounds=True, force_feature_count=True)
    assert np.allclose(stated["total_bounds"], bounds, rtol=0, atol=1e-6)
    assert stated["features"] == len(geojson(client, collection))
    for arrow in (True, False):
        found = geopandas.read_file(file, use_arrow=arrow)
        assert np.allclose(found.total_bounds, bounds, rtol=0, atol=1e-6)
    west, south, east, north = bounds
    half = geopandas.read_file(file, bbox=(west, south, (west + east) / 2, north))
    assert 0 < len(half) < len(found)


def test_an_empty_answer_is_a_file_too(client: httpx.Client, tmp_path: Path) -> None:
    for format_, read in (("fgb", geopandas.read_file), ("parquet", geopandas.read_parquet)):
        file = tmp_path / f"none.{format_}"
        file.write_bytes(body(client, "buildings", format_, filter="height < 0").content)
        assert len(read(file)) == 0
    text = body(client, "buildings", "csv", filter="height < 0").text
    assert len(text.splitlines()) == 1
    assert body(client, "buildings", "geojsonseq", filter="height < 0").content == b""


def test_comma_separated(client: httpx.Client, city: City) -> None:
    answer = body(client, "buildings", "csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    table = city.tables["building"].set_index("key")
    assert len(rows) == len(table)
    for row in rows:
        assert row["height"] == str(int(table.loc[row["key"], "height"]))
        name = table.loc[row["key"], "name"]
        assert row["name"] == ("" if pd.isna(name) else name)
        assert shapely.from_wkt(row["geometry"]).geom_type == "MultiPolygon"
    high = body(client, "pipe-points", "csv", crs=CRS84H).content.decode("utf-8-sig")
    first = next(csv.DictReader(io.StringIO(high)))
    assert shapely.from_wkt(first["geometry"]).has_z


def test_text_sequence(client: httpx.Client) -> None:
    answer = body(client, "pipe-points", "geojsonseq", limit=5)
    assert answer.headers["content-type"] == "application/geo+json-seq"
    records = answer.content.split(b"\x1e")[1:]
    assert [json.loads(r)["type"] for r in records] == ["Feature"] * 5


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("crs", [None, f"{CRS}EPSG/0/4549", f"{CRS}EPSG/0/3857"])
def test_json_fg_is_read_by_gdal(
    client: httpx.Client, tmp_path: Path, collection: str, crs: str | None
) -> None:
    given = {} if crs is None else {"crs": crs}
    answer = body(client, collection, "jsonfg", limit=100, **given)
    assert answer.headers["content-type"] == "application/vnd.ogc.fg+json"
    file = tmp_path / "items.json"
    file.write_bytes(answer.content)
    layer = tmp_path / "items.vrt"  # which lets each geometry have a type of its own
    layer.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="{COLLECTIONS[collection]}"><SrcDataSource>JSONFG:'
        f"{file}</SrcDataSource><GeometryType>wkbUnknown</GeometryType></OGRVRTLayer>"
        "</OGRVRTDataSource>"
    )
    _, _, shapes, _ = pyogrio.raw.read(layer)
    assert len(shapes) == len(geojson(client, collection))
    solid = not collection.startswith("pipe") and crs != f"{CRS}EPSG/0/3857"
    assert {int.from_bytes(wkb[1:5], "little") == POLYHEDRAL_SURFACE_Z for wkb in shapes} == {solid}


def test_buildings_are_prisms_and_elements_polyhedra(client: httpx.Client, city: City) -> None:
    row = city.tables["building"].iloc[3]
    found = client.get(f"/collections/buildings/items/{row['id']}", params={"f": "jsonfg"}).json()
    assert found["conformsTo"][0] == "http://www.opengis.net/spec/json-fg-1/1.0/conf/core"
    assert found["coordRefSys"] == CRS84H
    assert found["geometry"]["type"] == "MultiPolygon"
    assert found["time"] == {"interval": ["2019-12-31T16:00:00.000000Z", ".."]}
    prism = found["place"]
    assert prism["type"] == "Prism"
    assert prism["upper"] - prism["lower"] == pytest.approx(row["height"])
    assert prism["lower"] > 10  # ellipsoidal, 4 m above the datum
    stored = client.get(
        f"/collections/buildings/items/{row['id']}",
        params={"f": "jsonfg", "crs": f"{CRS}EPSG/0/4549"},
    ).json()
    assert stored["coordRefSys"] == [f"{CRS}EPSG/0/4549", f"{CRS}EPSG/0/5737"]
    assert stored["place"]["lower"] == 4.0
    ring = np.array(stored["place"]["base"]["coordinates"][0])
    assert shapely.hausdorff_distance(shapely.Polygon(ring[:, ::-1]), row["geom"]) < 1e-4
    part = client.get("/collections/building-parts/items", params={"f": "jsonfg", "crs":
                      f"{CRS}EPSG/0/4549"}).json()["features"][0]["place"]  # fmt: skip
    assert (part["lower"], part["upper"]) == (10.0, 40.0)
    element = client.get("/collections/bim-elements/items", params={"f": "jsonfg"}).json()
    assert "geometryDimension" not in element  # a body may be a surface
    assert element["features"][0]["representation"] == "box"  # it has no mesh
    solid = element["features"][0]["place"]
    assert solid["type"] == "Polyhedron"
    (shell,) = solid["coordinates"]
    assert len(shell) == 6
    corners = np.array([point for face in shell for point in face[0]])
    assert np.ptp(corners[:, 2]) == pytest.approx(3, abs=0.01)


def test_pipes_have_heights_without_a_place(client: httpx.Client) -> None:
    found = body(client, "pipe-segments", "jsonfg").json()["features"][0]
    assert found["place"] is None
    assert len(found["geometry"]["coordinates"][0]) == 3
