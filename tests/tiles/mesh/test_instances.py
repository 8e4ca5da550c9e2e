"""Placements against an independent implementation (trimesh.transformations)."""

from __future__ import annotations

import numpy as np
import trimesh.transformations as tf

from tiles.mesh.instances import decompose, quaternions, standing


def _rotations(count: int) -> np.ndarray:
    random = np.random.default_rng(3)
    return np.array([tf.random_rotation_matrix(r)[:3, :3] for r in random.random((count, 3))])


def _matrix(quaternion: np.ndarray) -> np.ndarray:
    full = tf.quaternion_matrix(quaternion[[3, 0, 1, 2]])  # type: ignore[no-untyped-call]
    return np.asarray(full)[:3, :3]


def test_quaternions_turn_as_their_matrices() -> None:
    turns = np.concatenate([_rotations(200), [np.eye(3)], np.array([np.diag([1, -1, -1])])])
    found = quaternions(turns)
    assert (found[:, 3] >= 0).all()
    for turn, quaternion in zip(turns, found, strict=True):
        assert np.allclose(_matrix(quaternion), turn, atol=1e-6)
    assert quaternions(np.empty((0, 3, 3))).shape == (0, 4)


def test_decompose_gives_back_rotation_times_scale() -> None:
    turns = _rotations(50)
    rotation, scale, missed = decompose(turns * np.array([1.5, 0.5, 2.0]))
    assert np.allclose(rotation, turns)
    assert np.allclose(scale, (1.5, 0.5, 2.0))
    assert np.abs(missed).max() < 1e-12


def test_decompose_tells_what_a_rotation_cannot_do() -> None:
    shear = np.array([[[1, 0.2, 0], [0, 1, 0], [0, 0, 1.0]]])
    mirror = np.array([np.diag([-1.0, 1, 1])])
    assert np.abs(decompose(shear)[2]).max() > 0.05
    rotation, scale, missed = decompose(mirror)
    assert np.linalg.det(rotation)[0] > 0
    assert (scale <= 0).any() or np.abs(missed).max() > 0.5


def test_standing_bodies_point_up_and_turn_counter_clockwise() -> None:
    up = np.array([[0, 0, 1.0], [0.6, 0, 0.8]])
    found = standing(up, np.array([np.pi / 2, 0.3]))
    assert np.allclose(_matrix(found[0]) @ [1, 0, 0], [0, 1, 0], atol=1e-6)
    assert np.allclose(_matrix(found[1]) @ [0, 0, 1], up[1], atol=1e-6)
