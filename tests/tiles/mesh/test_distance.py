"""Distances from triangles, against another library's."""

from __future__ import annotations

import numpy as np
import trimesh

from tiles.mesh.distance import to_triangles


def test_as_another_library_measures() -> None:
    random = np.random.default_rng(3)
    points, triangles = random.normal(size=(4000, 3)), random.normal(size=(4000, 3, 3))
    nearest = trimesh.triangles.closest_point(triangles, points)
    expected = np.linalg.norm(points - nearest, axis=1)
    assert np.allclose(to_triangles(points, triangles), expected, atol=1e-9)


def test_a_triangle_without_area_is_its_side_or_its_point() -> None:
    flat = np.array([[[0.0, 0, 0], [4, 0, 0], [2, 0, 0]], [[1.0, 1, 1], [1, 1, 1], [1, 1, 1]]])
    points = np.array([[3.0, 2, 0], [1, 1, 4]])
    assert np.allclose(to_triangles(points, flat), [2, 3])
