from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial import ConvexHull

from models.space.triangles import Array, cross, gaps, ray

ORIGIN = np.array([521_700.0, 3_428_800.0, 4.0])
SEEDS = st.integers(0, 100_000)


def triangles(seed: int, count: int, kind: str) -> Array:
    """Random triangles about :data:`ORIGIN`; ``kind``: face, line (corners on a line) or point."""
    random = np.random.default_rng(seed)
    found = random.normal(0, 4, (count, 3, 3))
    if kind == "line":
        found[:, 2] = found[:, 1]
    if kind == "point":
        found[:, 1] = found[:, 2] = found[:, 0]
    return found + ORIGIN


def least(a: Array, b: Array) -> float:
    """The distance of two triangles by a general optimiser: it is a convex problem."""

    def place(t: Array, w: Array) -> Array:
        return t[0] + w[0] * (t[1] - t[0]) + w[1] * (t[2] - t[0])

    def square(w: Array) -> float:
        return float(((place(a, w[:2]) - place(b, w[2:])) ** 2).sum())

    def allowed(w: Array) -> Array:
        """``w`` itself, or the nearest such: the optimiser may end a little, or far, outside."""
        pairs = np.clip(w, 0, 1).reshape(2, 2)
        return np.asarray(pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)).ravel()

    a, b = a - ORIGIN, b - ORIGIN
    limits = [
        {"type": "ineq", "fun": lambda w: 1 - w[0] - w[1]},
        {"type": "ineq", "fun": lambda w: 1 - w[2] - w[3]},
    ]
    best = min(
        square(
            allowed(
                minimize(
                    square,
                    start,
                    bounds=[(0, 1)] * 4,
                    constraints=limits,
                    method="SLSQP",
                    options={"ftol": 1e-14, "maxiter": 200},
                ).x
            )
        )
        for start in ([0.3, 0.3, 0.3, 0.3], [0.8, 0.1, 0.1, 0.8], [0.0, 1.0, 0.0, 1.0])
    )
    return float(np.sqrt(max(best, 0.0)))


@given(seed=SEEDS, kinds=st.tuples(*[st.sampled_from(("face", "line", "point"))] * 2))
@settings(deadline=None, max_examples=40)
def test_distances_are_those_that_an_optimiser_finds(seed: int, kinds: tuple[str, str]) -> None:
    a, b = triangles(seed, 3, kinds[0]), triangles(seed + 1, 3, kinds[1])
    found = gaps(a, b)
    for i in range(len(a)):
        assert found.distance[i] == pytest.approx(least(a[i], b[i]), abs=2e-4)
        between = np.linalg.norm(found.on_a[i] - found.on_b[i])
        assert between == pytest.approx(found.distance[i], abs=1e-6)


@given(seed=SEEDS)
@settings(deadline=None, max_examples=40)
def test_rays_enter_and_leave_a_hull_where_its_half_spaces_say(seed: int) -> None:
    random = np.random.default_rng(seed)
    hull = ConvexHull(random.normal(0, 3, (20, 3)))
    start = random.normal(0, 6, 3)
    step = random.normal(0, 1, 3) - start / 6
    towards, offset = hull.equations[:, :3] @ step, hull.equations[:, :3] @ start
    with np.errstate(divide="ignore"):
        t = -(offset + hull.equations[:, 3]) / towards
    enter, leave = t[towards < 0].max(), t[towards > 0].min()
    found = cross(start, step, hull.points[hull.simplices])
    met = np.sort(found[~np.isnan(found)])
    assert met == pytest.approx([enter, leave] if enter < leave else [])


@given(seed=SEEDS, kind=st.sampled_from(("face", "line", "point")), radius=st.floats(0.1, 3.0))
@settings(deadline=None, max_examples=60)
def test_a_ray_enters_where_the_distance_falls_to_the_radius(
    seed: int, kind: str, radius: float
) -> None:
    (triangle,) = triangles(seed, 1, kind)
    random = np.random.default_rng(seed)
    start = ORIGIN + random.normal(0, 15, 3)
    step = triangle.mean(axis=0) + random.normal(0, 2, 3) - start
    enter, leave = ray(start, step, triangle[None], np.array([radius]))
    places = start + np.linspace(-2, 3, 1501)[:, None] * step
    away = gaps(
        np.repeat(places[:, None], 3, axis=1), np.repeat(triangle[None], len(places), axis=0)
    ).distance
    if np.isnan(enter[0]):
        assert away.min() > radius - 1e-6
        return
    for t in (enter[0], leave[0]):
        at = np.repeat((start + t * step)[None, None], 3, axis=1)
        assert gaps(at, triangle[None]).distance[0] == pytest.approx(radius, abs=1e-5)
    t = np.linspace(-2, 3, 1501)
    beyond = (t < enter[0] - 1e-9) | (t > leave[0] + 1e-9)
    assert (away[beyond] >= radius - 1e-6).all()
    assert (away[~beyond] <= radius + 1e-6).all()


def test_a_bare_triangle_is_met_once() -> None:
    face = np.array([[[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]])
    enter, leave = ray(np.array([1.0, 1, 5]), np.array([0.0, 0, -1]), face, np.zeros(1))
    assert (enter[0], leave[0]) == (5.0, 5.0)
    beside, _ = ray(np.array([3.0, 3, 5]), np.array([0.0, 0, -1]), face, np.zeros(1))
    assert np.isnan(beside[0])


def test_nothing_against_nothing_is_nothing() -> None:
    assert len(gaps(np.empty((0, 3, 3)), np.empty((0, 3, 3))).distance) == 0
