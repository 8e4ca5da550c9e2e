"""Unit bodies: closed, outward, of unit size."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from tiles.mesh import bodies
from tiles.mesh.surface import Surface


@pytest.mark.parametrize(
    ("body", "volume", "low", "high"),
    [
        (bodies.cylinder(), np.pi / 4, (-0.5, -0.5, -1), (0.5, 0.5, 0)),
        (bodies.cube(), 1, (-0.5, -0.5, -1), (0.5, 0.5, 0)),
        (bodies.ball(), np.pi / 6, (-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)),
    ],
    ids=["cylinder", "cube", "ball"],
)
def test_unit_bodies(
    body: Surface, volume: float, low: tuple[float, ...], high: tuple[float, ...]
) -> None:
    mesh = trimesh.Trimesh(body.positions, body.indices, process=False)
    told = body.normals[body.indices].mean(axis=1)
    assert (np.einsum("ij,ij->i", mesh.face_normals, told) > 0.9).all()
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(volume, rel=0.15)
    assert mesh.volume <= volume + 1e-9
    assert np.allclose(mesh.bounds, [low, high], atol=1e-6)
