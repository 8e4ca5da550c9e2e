"""Quaternions turn as trimesh says."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from tiles.instances import expand, rotation_matrices, transform
from tiles.testing import instanced


def test_rotations_agree_with_trimesh() -> None:
    group = instanced(25)
    turns = group.rotations.astype(np.float64)
    for turn, matrix in zip(turns, rotation_matrices(turns), strict=True):
        theirs = trimesh.transformations.quaternion_matrix(np.roll(turn, 1))  # wxyz there
        assert matrix == pytest.approx(theirs[:3, :3], abs=1e-6)


def test_expanded_copies_stay_solid() -> None:
    group = instanced(4)
    shape = expand(group)[0]
    assert shape.positions == pytest.approx(
        transform(group.primitives[0].positions, group).reshape(-1, 3)
    )
    mesh = trimesh.Trimesh(shape.positions, shape.indices, process=False)
    mesh.merge_vertices(merge_norm=True)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(0.64 * group.scales.prod(axis=1).sum(), rel=1e-3)
    assert shape.feature_ids.tolist() == np.repeat(np.arange(4), 24).tolist()
