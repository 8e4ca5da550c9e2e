"""Questions about space over HTTP, judged by distances between convex hulls: no triangles meet.

Every body is a few convex pieces with a radius: a building the prisms over the triangles of its
footprint, a round pipe a segment, a duct and a BIM element a box. So is every volume that is asked
about. How far two hulls are apart is a problem of non-negative least squares (Lawson and Hanson
1974, chapter 23), which shares nothing with the service's triangles and indexes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psycopg
import pyproj
import pytest
import shapely
import trimesh
from scipy.optimize import nnls

from models.crs import storage_to_geodetic
from models.db import twins
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.provision import create_database
from models.db.publish import publish
from models.features import Theme, TriangleMesh, feature_id
from models.testing import delivery
from models.twins import load_twins
from tests.twin.ogc.city import centre
from twin.client import Client
from twin.settings import Settings
from twin.testing import application

TWIN = "songjiang-hub"
FRAME = np.array([*centre(TWIN), 4.0])
SPAN = 30.0
LAYERS = ["buildings", "bim-elements", "pipe-segments"]
#: Answers nearer to the limit than this (m) are not judged.
DOUBT = 1e-3
Hull = np.ndarray


@dataclass(frozen=True)
class Body:
    """Convex ``pieces`` (each (n, 3) corners, metres from :data:`FRAME`), grown by ``radius``."""

    key: str
    layer: str
    pieces: list[Hull]
    radius: float = 0.0

    def apart(self, hulls: list[Hull]) -> float:
        """Distance from its surface to the nearest of ``hulls``; at most 0 where they meet."""
        return min(gap(a, b) for a in self.pieces for b in hulls) - self.radius

    def meets(self, hulls: list[Hull], reach: float = 0.0) -> bool | None:
        """Whether it comes within ``reach`` of ``hulls``; None where that is too close to tell."""
        away = self.apart(hulls) - reach
        if away > DOUBT:
            return False
        # what has no thickness to spare is nought apart wherever it meets
        return True if away < -DOUBT or (away < 1e-6 and not self.radius + reach) else None

    @property
    def volume(self) -> float:
        return float(sum(trimesh.convex.convex_hull(piece).volume for piece in self.pieces))


def gap(a: Hull, b: Hull) -> float:
    """Distance between two convex hulls: the weights of their corners are positive and sum to 1."""
    heavy = 1e4
    corners = np.concatenate([a, -b]).T
    sums = heavy * np.array([[1.0] * len(a) + [0.0] * len(b), [0.0] * len(a) + [1.0] * len(b)])
    return float(nnls(np.concatenate([corners, sums]), [0, 0, 0, heavy, heavy])[1])


def upright(plan: Any, low: float, high: float) -> list[Hull]:
    """The prism over a polygon in convex pieces."""
    faces = shapely.constrained_delaunay_triangles(plan).geoms
    rings = [np.array(face.exterior.coords)[:3] for face in faces]
    return [
        np.concatenate([np.column_stack([r, np.full(3, h)]) for h in (low, high)]) for r in rings
    ]


def cuboid(low: np.ndarray, high: np.ndarray) -> Hull:
    ends = np.stack([low, high])
    return np.stack(np.meshgrid(*ends.T), axis=-1).reshape(-1, 3)


class City:
    """Random buildings with corners and courts, pipes, ducts and turned boxes."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(11)
        self.bodies: list[Body] = []
        self.meshes: dict[str, TriangleMesh] = {}
        self.tables = {
            Theme.BUILDINGS: {"building": self._buildings(14)},
            Theme.BIM: {"bim_element": self._elements(14)},
            Theme.PIPES: {"pipe_segment": self._pipes(24)},
        }

    def place(self) -> np.ndarray:
        return self.random.uniform([-SPAN, -SPAN, -6], [SPAN, SPAN, 14])

    def _row(self, table: str, dataset: Theme, key: str, **values: Any) -> dict[str, Any]:
        return {"id": feature_id(TWIN, dataset.value, table, key), "key": key, **values}

    def _buildings(self, count: int) -> pd.DataFrame:
        rows = []
        corner = np.array([[0, 0], [9, 0], [9, 4], [4, 4], [4, 9], [0, 9]])
        court = shapely.Polygon(
            shapely.box(0, 0, 9, 9).exterior, [shapely.box(2, 2, 7, 7).exterior]
        )
        for number in range(count):
            shape = court if number % 3 == 0 else shapely.Polygon(corner)
            turned = shapely.affinity.rotate(shape, self.random.uniform(0, 360))
            east, north, low = self.place()
            plan = shapely.affinity.translate(turned, east, north)
            height = round(self.random.uniform(3, 12), 2)
            self.bodies.append(Body(f"H{number}", "buildings", upright(plan, low, low + height)))
            there = shapely.affinity.translate(plan, *FRAME[:2])
            rows.append(self._row(
                "building", Theme.BUILDINGS, f"H{number}", height=height,
                base_height=float(FRAME[2] + low), geom=shapely.force_3d(there, FRAME[2] + low),
            ))  # fmt: skip
        return pd.DataFrame(rows)

    def _elements(self, count: int) -> pd.DataFrame:
        rows = []
        for number in range(count):
            made = trimesh.creation.box(extents=self.random.uniform(0.5, 6, 3))
            mesh = TriangleMesh(
                np.asarray(made.vertices, float), np.asarray(made.faces, np.uint32),
                np.zeros(12, np.uint16), np.ones((1, 4), np.float32), ("x",),
            )  # fmt: skip
            self.meshes[mesh.digest()] = mesh
            at = trimesh.transformations.random_rotation_matrix(self.random.random(3))
            at[:3, 3] = self.place()
            corners = trimesh.transform_points(made.vertices, at)
            self.bodies.append(Body(f"E{number}", "bim-elements", [corners]))
            at[:3, 3] += FRAME
            around = trimesh.creation.box(bounds=[corners.min(axis=0), corners.max(axis=0)])
            faces = shapely.polygons(around.triangles + FRAME)
            rows.append(self._row(
                "bim_element", Theme.BIM, f"E{number}", ifc_class="IfcBeam", mesh=mesh.digest(),
                placement=at.ravel().tolist(), geom=shapely.multipolygons(faces),
            ))  # fmt: skip
        return pd.DataFrame(rows)

    def _pipes(self, count: int) -> pd.DataFrame:
        rows = []
        for number in range(count):
            a, b = self.place(), self.place()
            wide, tall = self.random.uniform(0.2, 2.0, 2).round(3)
            values: dict[str, Any] = {"width_mm": 1000 * wide, "class_code": "YS"}
            if number % 4:
                body = Body(f"P{number}", "pipe-segments", [np.stack([a, b])], wide / 2)
            else:  # a duct lies level and ends flat
                b[2] = a[2]
                across = np.cross(b - a, [0, 0, 1])
                across *= wide / 2 / np.linalg.norm(across)
                up = np.array([0, 0, tall / 2])
                corners = [
                    p + s * across + t * up for p in (a, b) for s in (-1, 1) for t in (-1, 1)
                ]
                body = Body(f"P{number}", "pipe-segments", [np.array(corners)])
                values |= {"shape": "rect", "height_mm": 1000 * tall}
            self.bodies.append(body)
            line = shapely.LineString(np.stack([a, b]) + FRAME)
            rows.append(self._row("pipe_segment", Theme.PIPES, f"P{number}", **values, geom=line))
        return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def city() -> City:
    return City()


@pytest.fixture(scope="module")
def database(city: City, cluster: EmbeddedPostgres) -> str:
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    with connect(url) as conn:
        twins.sync(conn, load_twins(None).values())
        for theme, tables in city.tables.items():
            made = delivery(theme, tables, meshes=city.meshes if theme is Theme.BIM else {})
            publish(conn, twin=TWIN, dataset=theme.value, deliveries=[made])
    return url


@pytest.fixture(scope="module")
def service(database: str, short_folder: Path) -> Iterator[str]:
    with application(Settings(home=short_folder / "space"), database) as url:
        yield url


@pytest.fixture(scope="module")
def client(service: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service}/twins/{TWIN}/analyses", timeout=60) as client:
        yield client


def ask(client: httpx.Client, name: str, **document: Any) -> dict[str, Any]:
    answer = client.post(f"/{name}", json=document)
    assert answer.status_code == 200, answer.text
    assert answer.json()["notes"] in ([], [n for n in answer.json()["notes"]
                                           if n["code"] == "NO-TERRAIN"])  # fmt: skip
    result: dict[str, Any] = answer.json()["result"]
    return result


def told(place: np.ndarray) -> Any:
    return (FRAME + place).tolist()


def volumes(
    city: City, random: np.random.Generator
) -> list[tuple[dict[str, Any], list[Hull], float]]:
    """What is asked, the same as convex pieces, and how far around these."""
    centre_, other, third = city.place(), city.place(), city.place()
    half = random.uniform(1, 9, 3)
    radius = float(random.uniform(1, 8))
    star = shapely.Polygon(
        centre_[:2] + [[-9, -9], [9, -9], [9, 9], [0, -2], [-9, 9]] * random.uniform(0.4, 1.3, 2)
    )
    low, high = centre_[2] - half[2], centre_[2] + half[2]
    near = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    turn = trimesh.transformations.random_rotation_matrix(random.random(3))[:3, :3]
    eye = np.concatenate([near, near * random.uniform(2, 5) + [0, 0, 20]]) @ turn.T + centre_
    line = np.stack([centre_, other, third])
    ring = [told(np.array([*p, 0]))[:2] for p in star.exterior.coords[:-1]]
    return [
        ({"box": told(centre_ - half) + told(centre_ + half)},
         [cuboid(centre_ - half, centre_ + half)], 0.0),
        ({"sphere": {"centre": told(centre_), "radius": radius}}, [centre_[None]], radius),
        ({"prism": {"polygon": ring, "low": FRAME[2] + low, "high": FRAME[2] + high}},
         upright(star, low, high), 0.0),
        ({"frustum": [told(p) for p in eye]}, [eye], 0.0),
        ({"around": {"line": [told(p) for p in line], "distance": radius}},
         [line[:2], line[1:]], radius),
    ]  # fmt: skip


def test_what_a_volume_meets(city: City, client: httpx.Client) -> None:
    random = np.random.default_rng(12)
    counts = dict.fromkeys(("box", "sphere", "prism", "frustum", "around"), 0)
    for _ in range(6):
        for document, hulls, radius in volumes(city, random):
            result = ask(client, "within", layers=LAYERS, **document)
            found = {one["key"]: one for one in result["features"]}
            assert result["count"] == len(found)
            for body in city.bodies:
                said = body.key in found
                assert body.meets(hulls, radius) in (said, None), (document, body.key)
                if said and radius:
                    away = max(body.apart(hulls), 0)
                    assert found[body.key]["distance"] == pytest.approx(away, abs=2e-3)
            counts[next(iter(document))] += len(found)
    assert min(counts.values()) > 5, counts


def test_what_is_nearest(city: City, client: httpx.Client) -> None:
    for _ in range(12):
        place = city.place()
        away = {body.key: max(body.apart([place[None]]), 0) for body in city.bodies}
        found = ask(client, "nearest", layers=LAYERS, point=told(place), count=9)["features"]
        assert [f["distance"] for f in found] == pytest.approx(sorted(away.values())[:9], abs=2e-3)
        for one in found:
            assert one["distance"] == pytest.approx(away[one["key"]], abs=2e-3)


def test_what_a_ray_meets(city: City, client: httpx.Client) -> None:
    for _ in range(12):
        start, end = city.place(), city.place()
        hits = ask(client, "line-of-sight", start=told(start), end=told(end), layers=LAYERS)["hits"]
        found = {one["key"]: one for one in hits}
        assert [f["distance"] for f in hits] == sorted(f["distance"] for f in hits)
        length = np.linalg.norm(end - start)
        for body in city.bodies:
            assert body.meets([np.stack([start, end])]) in (body.key in found, None), body.key
            if body.key in found:
                # up to there nothing of it is met, and there its surface is
                run = float(found[body.key]["distance"])
                entry = start + (end - start) * run / length
                assert abs(body.apart([entry[None]])) < 2e-3 or run == 0
                before = start + (end - start) * max(run - 0.01, 0) / length
                assert run < 0.01 or body.apart([np.stack([start, before])]) > -2e-3


def test_what_is_above_and_below(city: City, client: httpx.Client) -> None:
    for _ in range(12):
        place, radius = city.place(), float(city.random.uniform(0, 3))
        features = ask(client, "column", layers=LAYERS, point=told(place)[:2], radius=radius)
        found = {one["key"]: one for one in features["features"]}
        post = np.array([[*place[:2], -500.0], [*place[:2], 500.0]])
        for body in city.bodies:
            assert body.meets([post], radius) in (body.key in found, None), (body.key, radius)
            if body.key in found and body.meets([post]):
                for end in ("top", "bottom"):
                    there = np.array([[*place[:2], found[body.key][end] - FRAME[2]]])
                    assert abs(body.apart([there])) < 2e-3, (body.key, end)


def test_sums_of_a_selection(city: City, client: httpx.Client) -> None:
    ring = [told(np.array([x, y, 0]))[:2] for x, y in ((-60, -60), (60, -60), (60, 60), (-60, 60))]
    sums = ask(client, "volume-and-area", layers=LAYERS, polygon=ring)["layers"]
    ellipsoid = pyproj.Geod(ellps="GRS80")  # CGCS2000's differs by 0.1 mm in its shorter axis
    degrees = {}
    for theme, name in ((Theme.BUILDINGS, "building"), (Theme.PIPES, "pipe_segment")):
        shapes = city.tables[theme][name]["geom"].to_numpy(object)
        degrees[theme] = shapely.transform(
            shapes, lambda c: np.column_stack(storage_to_geodetic(*c.T, np.zeros(len(c)))[:2])
        )
    heights = city.tables[Theme.BUILDINGS]["building"]["height"]
    areas = [
        ellipsoid.geometry_area_perimeter(shapely.orient_polygons(g))[0]
        for g in degrees[Theme.BUILDINGS]
    ]
    volume = {
        "buildings": float(heights @ areas),
        "bim-elements": sum(body.volume for body in city.bodies if body.layer == "bim-elements"),
    }
    for layer, expected in volume.items():
        assert sums[layer]["count"] == sum(body.layer == layer for body in city.bodies)
        assert sums[layer]["volume"] == pytest.approx(expected, rel=1e-5)
    level = [ellipsoid.geometry_length(g) for g in degrees[Theme.PIPES]]
    rise = [np.ptp(shapely.get_coordinates(g, include_z=True)[:, 2]) for g in shapes]
    assert sums["pipe-segments"]["length"] == pytest.approx(np.hypot(level, rise).sum(), rel=1e-5)


@pytest.mark.parametrize("layer", ["pipe-segments", "bim-elements"])
def test_what_meets_what(city: City, client: httpx.Client, layer: str) -> None:
    ring = [told(np.array([x, y, 0]))[:2] for x, y in ((-60, -60), (60, -60), (60, 60), (-60, 60))]
    pairs = ask(client, "overlaps", polygon=ring, layer=layer, other="buildings", most=10_000)
    said = {(p["feature"]["key"], p["other"]["key"]): p for p in pairs["pairs"]}
    met = 0
    for mine in (body for body in city.bodies if body.layer == layer):
        for house in (body for body in city.bodies if body.layer == "buildings"):
            meets, pair = mine.meets(house.pieces), said.get((mine.key, house.key), {})
            assert meets in (pair.get("intersects", False), None), (mine.key, house.key)
            assert not meets or pair["relation"] == "in"
            met += meets is True
    assert met >= 3
    assert {p["relation"] for p in said.values()} > {"in"}


def test_differences_are_those_of_two_readings(
    city: City, client: httpx.Client, service: str, database: str
) -> None:
    reader = Client(service)
    with connect(database) as conn:
        before = conn.execute("SELECT clock_timestamp()").fetchone()[0].isoformat()  # type: ignore[index]
        table = city.tables[Theme.BUILDINGS]["building"].iloc[2:].copy()
        table.loc[table.index[:3], "height"] = [1.5, 2.5, 3.5]
        new = table.iloc[:1].assign(key="N", id=feature_id(TWIN, "buildings", "building", "N"))
        made = delivery(Theme.BUILDINGS, {"building": pd.concat([table, new])}, name="again.csv")
        publish(conn, twin=TWIN, dataset="buildings", deliveries=[made])
    old = reader.features(TWIN, "buildings", as_of=before)
    now = reader.features(TWIN, "buildings")
    both = old.index.intersection(now.index)
    changed = both[(old.loc[both, "height"] != now.loc[both, "height"]).to_numpy()]
    numbered = {"dataset": "buildings", "before_revision": 1, "after_revision": 2}
    for document in ({"before_as_of": before}, numbered):
        found = ask(client, "differences", layer="buildings", **document)
        assert {f["id"] for f in found["added"]} == set(now.index.difference(old.index))
        assert {f["id"] for f in found["removed"]} == set(old.index.difference(now.index))
        assert {f["id"] for f in found["changed"]} == set(changed)
        for one in found["changed"]:
            height = one["properties"].pop("height")
            assert height == {
                "from": old.at[one["id"], "height"],
                "to": now.at[one["id"], "height"],
            }
            assert not one["properties"]
            assert one["moved"] == 0
    assert (len(found["added"]), len(found["removed"]), len(changed)) == (1, 2, 3)
