"""Solids of triangles, judged by trimesh."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from models.space.shells import faces, solids
from models.space.triangles import Array

FAR = np.array([521_700.0, 3_428_800.0, 4.0])


def box(size: float, at: tuple[float, float, float] = (0, 0, 0)) -> Array:
    made = trimesh.creation.box(extents=[size] * 3)
    return np.asarray(made.triangles + np.asarray(at, float) + FAR).round(4)


def volume(triangles: Array) -> float:
    made = trimesh.Trimesh(**trimesh.triangles.to_kwargs(triangles - FAR), process=True)
    assert made.is_watertight
    return float(made.volume)


def test_a_closed_shell_is_a_solid() -> None:
    found = solids(box(2))
    assert found is not None
    triangles, parts = found
    assert [[len(shell) for shell in shells] for shells in parts] == [[12]]
    assert volume(triangles) == pytest.approx(8)


def test_what_is_open_is_none() -> None:
    assert solids(box(2)[1:]) is None
    assert solids(np.empty((0, 3, 3))) is None
    one_turned = box(2)
    one_turned[3] = one_turned[3, ::-1]
    assert solids(one_turned) is None


def test_what_is_turned_inwards_is_turned_back() -> None:
    found = solids(box(2)[:, ::-1])
    assert found is not None
    assert volume(found[0]) == pytest.approx(8)


def test_a_void_belongs_to_the_smallest_solid_around_it() -> None:
    hollow = [box(10), box(2)[:, ::-1], box(1, (3, 3, 3))[:, ::-1], box(40), box(3, (50, 0, 0))]
    found = solids(np.concatenate(hollow))
    assert found is not None
    triangles, parts = found
    assert sorted(len(shells) for shells in parts) == [1, 1, 3]
    (with_voids,) = (shells for shells in parts if len(shells) == 3)
    assert volume(triangles[with_voids[0]]) == pytest.approx(1000)
    assert sorted(volume(triangles[s]) for s in with_voids[1:]) == pytest.approx([-8, -1])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4))
def test_bodies_keep_their_volume_whatever_the_order(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    made = []
    for i in range(count):
        kind = random.integers(0, 3)
        if kind == 0:
            body = trimesh.creation.icosphere(subdivisions=1, radius=random.uniform(0.5, 2))
        elif kind == 1:
            body = trimesh.creation.cylinder(radius=random.uniform(0.2, 1), height=2, sections=9)
        else:
            body = trimesh.creation.annulus(r_min=0.5, r_max=1.0, height=random.uniform(0.5, 2))
        body.apply_transform(trimesh.transformations.random_rotation_matrix(random.random(3)))
        made.append(np.add(body.triangles, [8.0 * i, 0, 0]))
    whole = np.concatenate(made)[random.permutation(sum(map(len, made)))]
    found = solids((whole + FAR).round(4))
    assert found is not None
    triangles, parts = found
    assert len(parts) == count
    volumes = sorted(volume(triangles[shells[0]]) for shells in parts)
    expected = sorted(volume((m + FAR).round(4)) for m in made)
    assert volumes == pytest.approx(expected, rel=1e-9)


def test_triangles_without_a_face_are_told() -> None:
    triangles = box(2)
    triangles[4, 1] = triangles[4, 0]
    assert faces(triangles).tolist() == [i for i in range(12) if i != 4]
