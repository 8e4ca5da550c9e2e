"""Creases are split, soft edges are shared, hostile soups do no harm."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from tiles.mesh.crease import creased


def _faces(mesh: trimesh.Trimesh) -> np.ndarray:
    return np.asarray(mesh.faces, np.uint32)


def test_a_box_has_flat_sides() -> None:
    box = trimesh.creation.box()
    source, normals, corners, kept = creased(np.asarray(box.vertices), _faces(box))
    assert len(source) == 24
    assert kept.all()
    assert np.allclose(normals[corners].mean(axis=1), box.face_normals)


def test_a_cylinder_is_round_with_flat_ends() -> None:
    cylinder = trimesh.creation.cylinder(1, 2, sections=24)
    points = np.asarray(cylinder.vertices)
    source, normals, _, _ = creased(points, _faces(cylinder))
    upright = np.abs(normals[:, 2]) > 0.999
    radial = points[source[~upright]] * (1, 1, 0)
    assert np.allclose(normals[~upright], radial, atol=1e-6)
    assert len(source) == 24 * 4 + 2


def test_the_angle_decides() -> None:
    cylinder = trimesh.creation.cylinder(1, 2, sections=8)  # 45° between sides
    few, many = (
        len(creased(np.asarray(cylinder.vertices), _faces(cylinder), angle)[0])
        for angle in (60.0, 30.0)
    )
    assert few < many


def test_unwelded_soups_are_shaded_as_one() -> None:
    ball = trimesh.creation.icosphere(2)
    soup = np.asarray(ball.triangles).reshape(-1, 3)
    indices = np.arange(len(soup), dtype=np.uint32).reshape(-1, 3)
    source, normals, _, _ = creased(soup, indices)
    assert len(source) == len(ball.vertices)
    assert (np.einsum("ij,ij->i", normals, soup[source]) > 0.99).all()


@pytest.mark.parametrize(
    "indices", [[[0, 0, 1]], [[0, 1, 2]]], ids=["repeated vertex", "on a line"]
)
def test_triangles_without_area_are_left_out(indices: list[list[int]]) -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0.0]])
    faces = np.array([*indices, [0, 1, 3]], np.uint32)
    source, normals, corners, kept = creased(points, faces)
    assert kept.tolist() == [False, True]
    assert np.allclose(normals[corners[0]], (0, 0, 1))
    assert not len(creased(points, faces[:1])[0])
    assert set(source) == {0, 1, 3}
