"""JSON-FG with the true bodies of BIM elements, read back by trimesh and GDAL."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psycopg
import pyogrio.raw
import pytest
import shapely
import trimesh

from models.crs import storage_to_geodetic
from models.db import twins
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.provision import create_database
from models.db.publish import publish
from models.features import Theme, TriangleMesh, feature_id
from models.testing import ORIGIN, delivery
from models.twins import load_twins
from twin.api.ogc import bodies
from twin.settings import Settings
from twin.testing import application

TWIN = "songjiang-hub"
ITEMS = f"/ogc/{TWIN}/collections/bim-elements/items"
STORAGE = "http://www.opengis.net/def/crs/EPSG/0/4549"
SURFACE_Z, MULTI_POLYGON_Z = 1015, 0x80000006


def turned(degrees: float, *at: float) -> np.ndarray:
    matrix = trimesh.transformations.rotation_matrix(np.radians(degrees), [0, 0, 1])
    matrix[:3, 3] = np.add(ORIGIN, at)
    return np.asarray(matrix)


def _meshes() -> dict[str, trimesh.Trimesh]:
    hollow = trimesh.util.concatenate(
        [trimesh.creation.box([3, 3, 3]), trimesh.creation.box([1, 1, 1])]
    )
    hollow.faces[12:] = hollow.faces[12:, ::-1]
    two = trimesh.util.concatenate(
        [
            trimesh.creation.cylinder(0.5, 2, 12),
            trimesh.creation.box([1, 1, 1]).apply_translation([4, 0, 0]),
        ]
    )
    sheet = trimesh.Trimesh([[0, 0, 0], [2, 0, 0], [2, 0, 3], [0, 0, 3]], [[0, 1, 2], [0, 2, 3]])
    return {
        "ring": trimesh.creation.annulus(0.5, 1.0, 0.4),
        "hollow": hollow,
        "two": two,
        "sheet": sheet,
        "vast": trimesh.creation.icosphere(subdivisions=6),
    }


MESHES = _meshes()
#: Element -> mesh and where it stands; "mirrored" is an instance whose placement is a mirror.
ELEMENTS = {
    "ring": ("ring", turned(0, 0, 0, 0)),
    "again": ("ring", turned(37, 9, 0, 2)),
    "mirrored": ("ring", turned(80, 18, 0, 2) @ np.diag([-1.0, 1, 1, 1])),
    "hollow": ("hollow", turned(10, 27, 0, 5)),
    "two": ("two", turned(200, 36, 0, 1)),
    "sheet": ("sheet", turned(45, 45, 0, 0)),
    "vast": ("vast", turned(0, 54, 0, 9)),
    "bodiless": (None, None),
}


def _stored(mesh: trimesh.Trimesh) -> TriangleMesh:
    return TriangleMesh(
        np.asarray(mesh.vertices, float),
        np.asarray(mesh.faces, np.uint32),
        np.zeros(len(mesh.faces), np.uint16),
        np.array([[0.8, 0.8, 0.8, 1.0]], np.float32),
        ("concrete",),
    )


def _box(points: np.ndarray) -> Any:
    made = trimesh.creation.box(bounds=[points.min(axis=0), points.max(axis=0)])
    return shapely.multipolygons(shapely.polygons(made.triangles))


@pytest.fixture(scope="module")
def client(cluster: EmbeddedPostgres, short_folder: Path) -> Iterator[httpx.Client]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    stored = {key: _stored(mesh) for key, mesh in MESHES.items()}
    digests = {key: mesh.digest() for key, mesh in stored.items()}
    rows = []
    for key, (mesh, at) in ELEMENTS.items():
        points = np.array([ORIGIN, np.add(ORIGIN, 1)])
        if mesh is not None:
            points = trimesh.transform_points(MESHES[mesh].vertices, at)
        rows.append({
            "id": feature_id(TWIN, "model", "bim_element", key), "key": key, "ifc_class": "IfcWall",
            "mesh": None if mesh is None else digests[mesh],
            "placement": None if at is None else at.ravel().tolist(), "geom": _box(points),
        })  # fmt: skip
    made = delivery(
        Theme.BIM,
        {"bim_element": pd.DataFrame(rows)},
        meshes={digests[key]: mesh for key, mesh in stored.items()},
    )
    with connect(url) as conn:
        twins.sync(conn, load_twins().values())
        publish(conn, twin=TWIN, dataset="model", deliveries=[made])
    home = short_folder / "bodies"
    with (
        application(Settings(home=home), url) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        yield client


def features(client: httpx.Client, **given: Any) -> dict[str, dict[str, Any]]:
    answer = client.get(ITEMS, params={"f": "jsonfg", "limit": 100, **given})
    assert answer.status_code == 200, answer.text
    return {f["properties"]["key"]: f for f in answer.json()["features"]}


def solid(shells: list[Any]) -> trimesh.Trimesh:
    """The triangles of a polyhedron in the storage CRS (north first), near the origin."""
    corners = np.array([polygon[0][:3] for shell in shells for polygon in shell])
    assert all(polygon[0][0] == polygon[0][3] for shell in shells for polygon in shell)
    triangles = corners[:, :, [1, 0, 2]] - ORIGIN
    return trimesh.Trimesh(**trimesh.triangles.to_kwargs(triangles), process=True)


def test_bodies_are_the_stored_ones_where_they_stand(client: httpx.Client) -> None:
    found = features(client, crs=STORAGE)
    for key, (name, at) in ELEMENTS.items():
        feature = found[key]
        if name is None or key in ("sheet", "vast"):
            continue
        assert feature["representation"] == "solid"
        place = feature["place"]
        parts = [place["coordinates"]] if place["type"] == "Polyhedron" else place["coordinates"]
        read = [solid(shells) for shells in parts]
        mesh = MESHES[name].copy().apply_transform(at)
        mesh.apply_translation(-np.array(ORIGIN))
        assert all(one.is_watertight and one.is_winding_consistent for one in read), key
        assert sum(one.volume for one in read) == pytest.approx(abs(mesh.volume), rel=2e-3), key
        bounds = np.array([one.bounds for one in read])
        both = [bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)]
        assert np.abs(both - mesh.bounds).max() < 1e-3, key


def test_voids_and_several_solids_are_told_as_such(client: httpx.Client) -> None:
    found = features(client, crs=STORAGE)
    hollow, two = found["hollow"]["place"], found["two"]["place"]
    assert (hollow["type"], len(hollow["coordinates"])) == ("Polyhedron", 2)
    assert solid(hollow["coordinates"][:1]).volume == pytest.approx(27, rel=1e-3)
    assert solid(hollow["coordinates"][1:]).volume == pytest.approx(-1, rel=1e-3)
    assert (two["type"], len(two["coordinates"])) == ("MultiPolyhedron", 2)


def test_what_is_open_is_no_solid(client: httpx.Client) -> None:
    sheet = features(client)["sheet"]
    assert sheet["representation"] == "surface"
    assert sheet["place"]["type"] == "MultiSurface"
    assert [face["type"] for face in sheet["place"]["geometries"]] == ["Polygon"] * 2


def test_bodies_that_are_too_large_are_boxes_and_say_so(client: httpx.Client) -> None:
    found = features(client)
    vast = found["vast"]
    assert (vast["representation"], vast["triangles"]) == ("box", len(MESHES["vast"].faces))
    assert len(vast["place"]["coordinates"][0]) == 12
    bodiless = found["bodiless"]
    assert bodiless["representation"] == "box"
    assert "triangles" not in bodiless


def test_degrees_and_ellipsoidal_heights(client: httpx.Client) -> None:
    found = features(client)["again"]
    corners = np.array([p for polygon in found["place"]["coordinates"][0] for p in polygon[0]])
    points = trimesh.transform_points(MESHES["ring"].vertices, ELEMENTS["again"][1])
    expected = np.column_stack(storage_to_geodetic(*points.T))
    for axis, most in ((0, 1e-8), (1, 1e-8), (2, 1e-3)):
        for edge in (np.min, np.max):
            assert abs(edge(corners[:, axis]) - edge(expected[:, axis])) < most


def test_a_plan_has_no_bodies(client: httpx.Client) -> None:
    found = features(client, crs="http://www.opengis.net/def/crs/EPSG/0/3857")["ring"]
    assert found["place"]["type"] == "Polygon"
    assert "representation" not in found


def test_one_feature_says_the_same(client: httpx.Client) -> None:
    found = features(client, crs=STORAGE)["hollow"]
    alone = client.get(f"{ITEMS}/{found['id']}", params={"f": "jsonfg", "crs": STORAGE}).json()
    assert alone["place"] == found["place"]
    assert alone["representation"] == "solid"


def test_a_sequence_has_room_for_all_bodies(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = max(len(mesh.faces) for name, mesh in MESHES.items() if name != "vast")
    monkeypatch.setattr(bodies, "MOST_TOGETHER", largest)
    page = features(client, crs=STORAGE)
    closed = ELEMENTS.keys() - {"sheet", "vast", "bodiless"}
    assert {page[key]["representation"] for key in closed} == {"solid", "box"}
    answer = client.get(ITEMS, params={"f": "jsonfgseq", "crs": STORAGE})
    told = [json.loads(record) for record in answer.content.split(b"\x1e")[1:]]
    found = {f["properties"]["key"]: f["representation"] for f in told}
    assert found == {
        key: {"sheet": "surface", "vast": "box", "bodiless": "box"}.get(key, "solid")
        for key in ELEMENTS
    }


def test_gdal_reads_them(client: httpx.Client, tmp_path: Path) -> None:
    """All but voids, for which it takes the plan, and several solids, which pyogrio cannot hold."""
    given = {"filter": "key NOT IN ('two')", "crs": STORAGE}
    answer = client.get(ITEMS, params={"f": "jsonfg", "limit": 100, **given})
    file = tmp_path / "items.json"
    file.write_bytes(answer.content)
    layer = tmp_path / "items.vrt"
    layer.write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="bim_element"><SrcDataSource>JSONFG:'
        f"{file}</SrcDataSource><GeometryType>wkbUnknown</GeometryType></OGRVRTLayer>"
        "</OGRVRTDataSource>"
    )
    _, _, shapes, columns = pyogrio.raw.read(layer, columns=["key"])
    found = dict(zip(columns[0], shapes, strict=True))
    kinds = {key: int.from_bytes(wkb[1:5], "little") for key, wkb in found.items()}
    assert set(kinds) == ELEMENTS.keys() - {"two"}
    assert kinds["sheet"] == MULTI_POLYGON_Z
    whole = [key for key in kinds if key not in ("sheet", "hollow")]
    assert {kinds[key] for key in whole} == {SURFACE_Z}
    # a polyhedral surface has the layout of a multipolygon; GDAL puts east first
    ring = shapely.from_wkb(found["again"][:1] + (1006).to_bytes(4, "little") + found["again"][5:])
    corners = [np.array(face.exterior.coords)[:3] for face in ring.geoms]
    read = trimesh.Trimesh(**trimesh.triangles.to_kwargs(np.array(corners) - ORIGIN))
    assert read.is_watertight
    assert read.volume == pytest.approx(MESHES["ring"].volume, rel=2e-3)
