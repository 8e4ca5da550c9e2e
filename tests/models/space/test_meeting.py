"""Bodies that meet, beside places sampled in both."""

from __future__ import annotations

import numpy as np
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from models.space.meeting import bodies_meet
from models.space.soup import Soup, joined, of_lines, of_prisms


def soup(*bodies: trimesh.Trimesh) -> Soup:
    triangles = [np.asarray(body.triangles, float) for body in bodies]
    owner = np.repeat(np.arange(len(bodies)), [len(t) for t in triangles])
    whole = np.concatenate(triangles)
    return Soup(whole, np.zeros(len(whole)), owner.astype(np.int64))


def ball(x: float, y: float, z: float, radius: float) -> trimesh.Trimesh:
    made = trimesh.creation.icosphere(subdivisions=2, radius=radius)
    return made.apply_translation([x, y, z])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_balls_meet_by_their_distance(seed: int) -> None:
    random = np.random.default_rng(seed)
    places, radii = random.uniform(-3, 3, (6, 3)), random.uniform(0.2, 3, 6)
    made = [ball(*at, r) for at, r in zip(places, radii, strict=True)]
    first, second = (np.array(side, np.int64) for side in np.triu_indices(6, 1))
    found = bodies_meet(soup(*made), first, soup(*made), second)
    away = np.linalg.norm(places[first] - places[second], axis=1)
    clear = np.abs(away - radii[first] - radii[second]) > 0.05 * (radii[first] + radii[second])
    expected = away < radii[first] + radii[second]
    assert (found == expected)[clear].all()


def test_what_lies_in_a_hollow_meets_nothing() -> None:
    plan = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(2, 2), (7, 2), (7, 7), (2, 7)]])
    ring = of_prisms(np.array([plan], object), np.array([0.0]), np.array([5.0]))
    pillar = soup(ball(4.5, 4.5, 2, 1), ball(1, 1, 2, 0.5), ball(7, 4, 2, 0.5))
    zero = np.zeros(3, np.int64)
    assert bodies_meet(ring, zero, pillar, np.arange(3)).tolist() == [False, True, True]
    assert bodies_meet(pillar, np.arange(3), ring, zero).tolist() == [False, True, True]


def test_pipes_are_as_thick_as_they_are() -> None:
    house = soup(trimesh.creation.box(bounds=[[0, 0, 0], [5, 5, 5]]))
    for gap, meets in ((0.31, False), (0.29, True)):
        pipe = of_lines(np.array([[-3.0, -gap, 1], [9, -gap, 1]]), 0.3)
        zero = np.zeros(1, np.int64)
        assert bodies_meet(house, zero, pipe, zero).tolist() == [meets]
        assert not bodies_meet(house, zero, joined([]), zero).any()
