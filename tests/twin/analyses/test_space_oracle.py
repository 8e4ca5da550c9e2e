"""Questions about space over turned boxes, judged by what a box is: no triangles, no index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import trimesh

from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme, TriangleMesh, feature_id
from models.testing import ORIGIN, Twin, delivery
from twin.analyses.cache import PipeworkCache
from twin.analyses.registry import find

COUNT, ASKED = 60, 25
FRAME = np.array(ORIGIN)
#: Where things are, in metres from the origin.
CITY = np.array([-12.0, -12, 3]), np.array([12.0, 12, 27])
Ask = Callable[..., dict[str, Any]]


class Boxes:
    """Random boxes, turned in every direction: ``at`` (n, 4, 4) from their own frame to metres from
    the origin, ``half`` (n, 3) sizes."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(5)
        self.half = self.random.uniform(0.2, 2.5, (COUNT, 3))
        self.at = np.array(
            [trimesh.transformations.random_rotation_matrix(self.random.random(3))
             for _ in range(COUNT)]
        )  # fmt: skip
        self.at[:, :3, 3] = self.random.uniform(*CITY, (COUNT, 3))

    def inside(self, places: np.ndarray) -> np.ndarray:
        """(n, 3) ``places`` in the frame of every box."""
        turn = self.at[:, :3, :3]
        return np.asarray(np.einsum("kji,kj->ki", turn, places - self.at[:, :3, 3]))

    def distances(self, place: np.ndarray) -> np.ndarray:
        beyond = np.maximum(np.abs(self.inside(place[None])) - self.half, 0.0)
        return np.asarray(np.linalg.norm(beyond, axis=1))

    def spans(self, start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where a line enters and leaves every box, by slabs; enter > leave where it misses."""
        here = self.inside(start[None])
        along = np.einsum("kji,j->ki", self.at[:, :3, :3], step)
        t = np.stack([(-self.half - here) / along, (self.half - here) / along])
        return t.min(axis=0).max(axis=1), t.max(axis=0).min(axis=1)

    def table(self) -> tuple[pd.DataFrame, dict[str, TriangleMesh]]:
        rows, meshes = [], {}
        for number in range(COUNT):
            made = trimesh.creation.box(extents=2 * self.half[number])
            mesh = TriangleMesh(
                np.asarray(made.vertices, float), np.asarray(made.faces, np.uint32),
                np.zeros(12, np.uint16), np.ones((1, 4), np.float32), ("x",),
            )  # fmt: skip
            meshes[mesh.digest()] = mesh
            at = self.at[number].copy()
            at[:3, 3] += FRAME
            corners = trimesh.transform_points(made.vertices, at)
            outer = trimesh.creation.box(bounds=[corners.min(axis=0), corners.max(axis=0)])
            key = f"E{number}"
            rows.append({
                "id": feature_id("test", "model", "bim_element", key), "key": key,
                "ifc_class": "IfcBeam", "mesh": mesh.digest(), "placement": at.ravel().tolist(),
                "geom": shapely.multipolygons(shapely.polygons(outer.triangles)),
            })  # fmt: skip
        return pd.DataFrame(rows), meshes


@pytest.fixture(scope="module")
def boxes() -> Boxes:
    return Boxes()


@pytest.fixture
def ask(boxes: Boxes, database: str) -> Iterator[Ask]:
    table, meshes = boxes.table()
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        made = delivery(Theme.BIM, {"bim_element": table}, meshes=meshes)
        publish(conn, twin="test", dataset="model", deliveries=[made])
    cache = PipeworkCache(database)

    def asked(name: str, **document: Any) -> dict[str, Any]:
        analysis = find(name)
        given = analysis.parse({"layers": ["bim-elements"], **document})
        result: dict[str, Any] = analysis.answer(cache, "test", given).as_dict()["result"]
        return result

    yield asked
    cache.cities.close()


def keys(features: list[dict[str, Any]]) -> list[str]:
    return [one["key"] for one in features]


def named(chosen: np.ndarray) -> list[str]:
    return [f"E{i}" for i in chosen]


def test_answers_are_those_of_true_boxes(ask: Ask, boxes: Boxes) -> None:
    random = np.random.default_rng(6)
    for _ in range(ASKED):
        place = random.uniform(*CITY)
        away = boxes.distances(place)
        found = ask("nearest", point=(FRAME + place).tolist(), count=8, reach=40)["features"]
        nearest = np.argsort(away, kind="stable")[:8]
        assert [f["distance"] for f in found] == pytest.approx(away[nearest], abs=1e-3)
        for one in found:
            assert one["distance"] == pytest.approx(away[int(one["key"][1:])], abs=1e-3)

        radius = float(random.uniform(1, 6))
        ball = {"centre": (FRAME + place).tolist(), "radius": radius}
        inside = {f["key"] for f in ask("within", sphere=ball)["features"]}
        assert inside >= set(named(np.flatnonzero(away < radius - 1e-6)))
        assert inside <= set(named(np.flatnonzero(away < radius + 1e-6)))

        end = random.uniform(*CITY)
        enter, leave = boxes.spans(place, end - place)
        met = np.flatnonzero((enter <= leave) & (leave >= 0) & (enter <= 1))
        met = met[np.argsort(np.maximum(enter[met], 0), kind="stable")]
        sight = ask("line-of-sight", start=(FRAME + place).tolist(), end=(FRAME + end).tolist(),
                    terrain=False)  # fmt: skip
        length = float(np.linalg.norm(end - place))
        told = [f["distance"] for f in sight["hits"]]
        assert set(keys(sight["hits"])) == set(named(met))
        assert told == pytest.approx(np.maximum(enter[met], 0) * length, abs=1e-3)

        enter, leave = boxes.spans(np.array([*place[:2], 0.0]), np.array([1e-12, 1e-12, 1.0]))
        through = np.flatnonzero(enter < leave)
        column = ask("column", point=(FRAME + place)[:2].tolist(), radius=0)["features"]
        assert set(keys(column)) == set(named(through))
        for one in column:
            number = int(one["key"][1:])
            assert one["top"] == pytest.approx(FRAME[2] + leave[number], abs=2e-3)
            assert one["bottom"] == pytest.approx(FRAME[2] + enter[number], abs=2e-3)


def test_sums_are_those_of_true_boxes(ask: Ask, boxes: Boxes) -> None:
    ring = [[*(FRAME[:2] + corner)] for corner in ((-40, -40), (40, -40), (40, 40), (-40, 40))]
    sums = ask("volume-and-area", polygon=ring)["layers"]["bim-elements"]
    size = 2 * boxes.half
    assert sums["count"] == COUNT
    assert sums["volume"] == pytest.approx(size.prod(axis=1).sum(), rel=1e-6)
    faces = size[:, 0] * size[:, 1] + size[:, 1] * size[:, 2] + size[:, 2] * size[:, 0]
    assert sums["surface_area"] == pytest.approx(2 * faces.sum(), rel=1e-6)
