"""Walls: flat where they are flat, round where short ones follow a curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from tiles.content import F32, F64, Content, Material, Primitive
from tiles.gltf import COMPAT, DEFAULT, DRACO_PROFILE, encode
from tiles.mesh.extrude import Prisms, prisms
from tiles.mesh.footprint import triangulate
from tiles.mesh.surface import join
from tiles.testing import id_column, khronos

Plan = Sequence[tuple[float, float]] | F64
MIDDLE = np.array([617486.0, 3430515.0])
L = [(0, 0), (20, 0), (20, 8), (9, 8), (9, 22), (0, 22)]


def on_circle(degrees: F64, radius: float = 12.0) -> F64:
    angle = np.radians(degrees)
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


def regular(corners: int, radius: float = 12.0) -> F64:
    return on_circle(np.arange(corners) * 360.0 / corners, radius)


def solid(*shapes: tuple[Plan, ...]) -> Prisms:
    """Prisms of 30 m over shells with holes around :data:`MIDDLE`."""
    rings = [[np.asarray(ring, float) + MIDDLE for ring in shape] for shape in shapes]
    plans = triangulate(np.array([Polygon(r[0], r[1:]) for r in rings], dtype=object))
    foot = np.column_stack([plans.xy - MIDDLE, np.full(len(plans.xy), 4.0)])
    return prisms(plans, foot, foot + np.array([0, 0, 30.0]), np.arange(len(shapes)))


def flat(made: Prisms) -> F32:
    """The vertices' normals if each wall had its own."""
    walls = made.walls
    a, b, c = walls.positions[walls.indices].transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    normals = walls.normals.copy()
    normals[walls.indices] = (across / np.linalg.norm(across, axis=1)[:, None])[:, None]
    return normals


def corners(made: Prisms) -> tuple[F64, F32]:
    """Places and normals of the walls' corners, as each triangle has them."""
    used = made.walls.indices.ravel()
    return made.walls.positions[used], made.walls.normals[used]


def is_flat(made: Prisms) -> bool:
    used = made.walls.indices
    return np.abs(made.walls.normals[used] - flat(made)[used]).max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(6.0, 11.5), min_size=33, max_size=60), st.floats(0, 360))
def test_a_tower_is_round_however_its_corners_are_spread(steps: list[float], first: float) -> None:
    """Also a courtyard, whose walls look at its middle."""
    at = first + np.cumsum(steps) * 360.0 / sum(steps)
    made = solid((on_circle(at), on_circle(at, 5.0)))
    places, normals = corners(made)
    distance = np.linalg.norm(places[:, :2], axis=1)
    outward = np.where(distance > 8, 1.0, -1.0)[:, None]
    radial = places[:, :2] / distance[:, None] * outward
    assert np.abs(normals[:, :2] - radial).max() < 1e-5
    assert np.abs(normals[:, 2]).max() < 1e-6


def test_roofs_and_floors_keep_their_edge() -> None:
    made = solid((regular(36), regular(36, 5.0)))
    for surface, up in ((made.roofs, 1.0), (made.floors, -1.0)):
        assert np.array_equal(np.unique(surface.normals[surface.indices], axis=1)[..., 2].ravel(),
                              np.full(len(surface.indices), up))  # fmt: skip
    assert len(made.walls.normals) == 6 * 72  # as many vertices as with flat walls


@pytest.mark.parametrize(
    "plan",
    [
        [(0, 0), (30, 0), (30, 12), (0, 12)],
        L,
        L[::-1],
        regular(12),
        regular(12) + 0.0004,
        [(0, 0), (1, 0), (2, 0), (3, 0), (9, 0), (9, 9), (0, 9)],
        [(0, 0), (20, 0), (40, 5), (40, 20), (0, 20)],  # one bend that somebody built
        [(0, 0), (5, 1), (10, 0), (15, 1), (20, 0), (20, 9), (0, 9)],  # a saw-tooth
        [(0, 0), (30, 0), (31, 0.2), (31.9, 0.7), (60, 20), (60, 40), (0, 40)],  # a chamfer
    ],
)
def test_what_is_built_flat_is_flat(plan: Plan) -> None:
    assert is_flat(solid((np.asarray(plan, float),)))
    court = [(2, 2), (4, 2), (4, 4), (2, 4)]
    assert is_flat(solid(([(-20, -20), (80, -20), (80, 60), (-20, 60)], court)))


def test_only_the_curve_of_a_wall_is_round() -> None:
    """A hall with a round end: its long walls stay flat from end to end."""
    bow = on_circle(np.linspace(-90, 90, 13), 10.0) + np.array([40.0, 0.0])
    made = solid((np.vstack([[(0, -10)], bow, [(0, 10)]]),))
    places, normals = corners(made)
    long = flat(made)[made.walls.indices.ravel()]
    straight = np.abs(np.abs(long[:, 1]) - 1) < 1e-6
    assert straight.sum() == 12 and np.array_equal(normals[straight], long[straight])
    inner = (places[:, 0] > 40.1) & ~straight
    radial = (places[:, :2] - [40.0, 0.0]) / 10.0
    assert np.abs(normals[inner, :2] - radial[inner]).max() < 1e-5


def test_what_stands_beside_it_does_not_matter() -> None:
    tower, house = (regular(24),), (L,)
    alone, among = corners(solid(tower)), corners(solid(house, tower, house))
    at = len(alone[0])
    start = (len(among[0]) - at) // 2
    assert np.array_equal(among[1][start : start + at], alone[1])


def content(made: Prisms, count: int) -> Content:
    whole = join([made.roofs, made.walls, made.floors])
    return Content(
        "building",
        [id_column(count)],
        [whole.primitive(Material("walls", (0.8, 0.8, 0.8, 1.0)), ordered=True)],
    )


def test_round_walls_take_no_more_bytes_and_files_are_valid(tmp_path: Path) -> None:
    towers = [(regular(n) + np.array([40.0 * n, 0.0]),) for n in range(24, 64)]
    made = solid(*towers)
    curved = content(made, len(towers))
    (shape,) = curved.primitives
    whole = [
        Primitive(
            shape.material, shape.positions, flat(made), shape.indices, shape.feature_ids, True
        )
    ]
    plain = Content(curved.class_name, curved.columns, whole)
    for profile in (DEFAULT, COMPAT, DRACO_PROFILE):
        data = encode(curved, profile)
        assert data != encode(plain, profile)
        assert len(data) <= len(encode(plain, profile))
        (tmp_path / f"{profile.name}.glb").write_bytes(data)
    report = khronos(sorted(tmp_path.iterdir()))
    assert (report["count"], report["errors"], report["warnings"]) == (3, 0, 0)
