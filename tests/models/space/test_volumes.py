"""Volumes against brute force: places sampled on and in every thing decide."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clearance.solids import Solids
from models.space.soup import (
    Soup,
    of_lines,
    of_points,
    of_prisms,
    of_solids,
)
from models.space.triangles import Array
from models.space.volumes import (
    Volume,
    around,
    ball,
    box,
    encloses,
    frustum,
    meeting,
    prism,
)

ORIGIN = np.array([521_700.0, 3_428_800.0, 4.0])
SEEDS = st.integers(0, 100_000)
#: Doubt about places so near to a boundary (m).
_EDGE = 0.02


def pipes(random: np.random.Generator, count: int) -> Soup:
    along = random.normal(0, 3, (count, 3))
    length = np.linalg.norm(along, axis=1)
    across = np.cross([0.0, 0.0, 1.0], along)
    across /= np.linalg.norm(across, axis=1)[:, None]
    along /= length[:, None]
    axes = np.stack([along, across, np.cross(along, across)], axis=1)
    kind = random.integers(0, 3, count)
    half = np.column_stack([length / 2, random.random((count, 2)) + 0.2])
    half[kind == 0, 1:] = 0.0
    half[kind == 1, 1] = 0.0
    radius = np.where(kind == 2, 0.0, random.random(count) + 0.1)
    centre = ORIGIN + random.normal(0, 5, (count, 3))
    return of_solids(Solids(centre, axes, half, radius), np.arange(count))


def buildings(random: np.random.Generator, count: int) -> Soup:
    at = ORIGIN[:2] + random.normal(0, 6, (count, 2))
    shape = np.array([[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4], [0, 0]], float)
    rings = shape[None] * (0.3 + random.random((count, 1, 1))) + at[:, None]
    low = ORIGIN[2] + random.normal(0, 3, count)
    return of_prisms(shapely.polygons(rings), low, low + 1 + random.random(count) * 5)


def volumes(random: np.random.Generator) -> list[tuple[str, Volume, object]]:
    """Name, volume and how far outside places (n, 3) are (below nought: inside)."""
    centre = ORIGIN + random.normal(0, 2, 3)
    half = 1 + random.random(3) * 4
    radius = 1 + random.random() * 4
    star = shapely.Polygon(
        centre[:2]
        + np.array([[-4, -4], [4, -4], [4, 4], [0, -1], [-4, 4]]) * (0.5 + random.random())
    )
    line = ORIGIN + random.normal(0, 5, (4, 3))
    near = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    eye = (
        np.concatenate([near, near * 4 + [0, 0, 6]]) @ np.linalg.qr(random.normal(0, 1, (3, 3)))[0]
    )
    normals = []
    for face in ((0, 1, 2), (4, 5, 6), (0, 1, 5), (1, 2, 6), (2, 3, 7), (3, 0, 4)):
        a, b, c = (eye + centre)[list(face)]
        n = np.cross(b - a, c - a)
        n *= np.sign(n @ (a - (eye + centre).mean(axis=0))) / np.linalg.norm(n)
        normals.append((n, n @ a))

    def outside_box(p: Array) -> Array:
        return np.asarray((np.abs(p - centre) - half).max(axis=1))

    def outside_prism(p: Array) -> Array:
        at = shapely.points(p[:, :2])
        plan = np.where(
            shapely.contains(star, at),
            -shapely.distance(star.exterior, at),
            shapely.distance(star, at),
        )
        return np.maximum(plan, np.abs(p[:, 2] - centre[2]) - half[2])

    def outside_line(p: Array) -> Array:
        away = np.full(len(p), np.inf)
        for a, b in pairwise(line):
            t = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            away = np.minimum(away, np.linalg.norm(p - a - t[:, None] * (b - a), axis=1))
        return away - radius

    return [
        ("box", box(centre - half, centre + half), outside_box),
        ("ball", ball(centre, radius), lambda p: np.linalg.norm(p - centre, axis=1) - radius),
        ("prism", prism(star, centre[2] - half[2], centre[2] + half[2]), outside_prism),
        (
            "frustum",
            frustum(eye + centre),
            lambda p: np.max([p @ n - d for n, d in normals], axis=0),
        ),
        ("line", around(line, radius), outside_line),
    ]


def samples(things: Soup, owner: int, random: np.random.Generator, count: int = 3000) -> Array:
    """Places within a thing: on its triangles, and within the radius of them."""
    rows = np.flatnonzero(things.owner == owner)
    pick = random.choice(rows, count)
    w = random.dirichlet([0.6] * 3, count)
    at = np.einsum("nk,nki->ni", w, things.triangles[pick])
    push = random.normal(0, 1, (count, 3))
    push /= np.linalg.norm(push, axis=1)[:, None]
    return at + push * (things.radius[pick] * np.cbrt(random.random(count)))[:, None]


@given(seed=SEEDS)
@settings(deadline=None, max_examples=6)
def test_what_meets_a_volume_is_what_sampling_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    for things in (
        pipes(random, 12),
        buildings(random, 6),
        of_points(ORIGIN + random.normal(0, 5, (30, 3))),
    ):
        count = int(things.owner.max()) + 1
        for name, volume, outside in volumes(random):
            found = meeting(volume, things, count)
            for owner in range(count):
                away = outside(samples(things, owner, random))
                if away.min() < -_EDGE:
                    assert found.meets[owner], (name, owner)
                if away.max() > _EDGE:
                    assert not found.within[owner], (name, owner)
                if name in ("ball", "frustum", "box") and away.max() < -0.3:
                    assert found.within[owner], (name, owner)
                if found.meets[owner] and not things.closed:
                    assert away.min() <= _EDGE, (name, owner)
            assert not (found.within & ~found.meets).any()


@given(seed=SEEDS)
@settings(deadline=None, max_examples=8)
def test_distances_to_balls_and_lines_are_those_of_the_surface(seed: int) -> None:
    random = np.random.default_rng(seed)
    things = pipes(random, 15)
    for name, volume, outside in volumes(random):
        if not volume.radius:
            continue
        found = meeting(volume, things, 15)
        for owner in np.flatnonzero(found.meets):
            least = outside(samples(things, int(owner), random, 10_000)).min() + volume.radius
            assert found.distance[owner] <= least + 1e-6, name
            assert found.distance[owner] >= least - 0.4, name
        assert np.isnan(found.distance[~found.meets]).all()


def test_a_volume_within_a_building_meets_it() -> None:
    house = of_prisms(
        np.array([shapely.box(0, 0, 20, 20)], object), np.array([0.0]), np.array([30.0])
    )
    small = box(np.array([9.0, 9, 9]), np.array([10.0, 10, 10]))
    for volume in (
        small,
        ball(np.array([9.0, 9, 9]), 1.0),
        around(np.array([[5.0, 5, 5], [6, 6, 6]]), 0.5),
    ):
        found = meeting(volume, house, 1)
        assert found.meets[0]
        assert not found.within[0]
    assert encloses(house, np.array([10.0, 10, 10]), 1)[0]
    assert not encloses(house, np.array([10.0, 10, 31]), 1)[0]
    assert not encloses(house, np.array([21.0, 10, 10]), 1)[0]


def test_a_courtyard_is_not_in_the_building() -> None:
    plan = shapely.Polygon(shapely.box(0, 0, 20, 20).exterior, [shapely.box(5, 5, 15, 15).exterior])
    house = of_prisms(np.array([plan], object), np.array([0.0]), np.array([30.0]))
    assert not meeting(ball(np.array([10.0, 10, 5]), 4.0), house, 1).meets[0]
    assert meeting(ball(np.array([10.0, 10, 5]), 5.1), house, 1).meets[0]
    assert meeting(ball(np.array([10.0, 10, 5]), 5.1), house, 1).distance[0] == pytest.approx(5.0)


def test_things_of_unknown_height_meet_nothing() -> None:
    plan = np.array([shapely.box(0, 0, 1, 1)] * 2, object)
    house = of_prisms(plan, np.array([0.0, np.nan]), np.array([3.0, 3.0]))
    found = meeting(box(np.full(3, -10.0), np.full(3, 10.0)), house, 2)
    assert found.meets.tolist() == [True, False]
    assert found.within.tolist() == [True, False]


def test_the_soup_of_a_house_has_its_volume() -> None:
    wing = shapely.Polygon([(0, 0), (8, 0), (8, 2), (2, 2), (2, 6), (0, 6)])
    plan = shapely.MultiPolygon([wing, shapely.box(10, 0, 12, 2)])
    house = of_prisms(np.array([plan], object), np.array([1.0]), np.array([4.0]))
    edges = house.triangles[:, 1:] - house.triangles[:, :1]
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1).sum() / 2
    assert area == pytest.approx(2 * plan.area + plan.length * 3)


def test_lines_are_capsules() -> None:
    soup = of_lines(np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0]]), 0.5)
    low, high = soup.bounds()
    assert low.min(axis=0).tolist() == [-0.5, -0.5, -0.5]
    assert high.max(axis=0).tolist() == [1.5, 1.5, 0.5]
