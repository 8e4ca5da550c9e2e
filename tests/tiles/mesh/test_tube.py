"""Swept solids: closed, outward, and of the volume that a formula gives."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.mesh import profile
from tiles.mesh.profile import Profile
from tiles.mesh.surface import Surface
from tiles.mesh.tube import sweep

Points = list[tuple[float, float, float]]


def swept(
    line: Points, section: Profile, width: float, height: float, *, upright: bool = False
) -> Surface:
    return sweep(
        np.array(line, float).reshape(-1, 3),
        np.array([0, len(line)]),
        np.array([width / 2]),
        np.array([height / 2]),
        section,
        np.array([5], np.uint32),
        upright=upright,
    )


def solid(surface: Surface) -> trimesh.Trimesh:
    mesh = trimesh.Trimesh(surface.positions, surface.indices, process=False)
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    return mesh


def length(line: Points) -> float:
    return float(np.linalg.norm(np.diff(np.array(line), axis=0), axis=1).sum())


def agreement(surface: Surface) -> float:
    """The least cosine between a face and the mean of its vertex normals."""
    a, b, c = surface.positions[surface.indices].transpose(1, 0, 2)
    face = np.cross(b - a, c - a)
    face /= np.linalg.norm(face, axis=1, keepdims=True)
    told = surface.normals[surface.indices].mean(axis=1)
    told /= np.linalg.norm(told, axis=1, keepdims=True)
    return float(np.einsum("ij,ij->i", face, told).min())


LINES: dict[str, Points] = {
    "straight": [(0, 0, 0), (10, 0, 0)],
    "falling": [(0, 0, 0), (10, 5, -1)],
    "vertical down": [(3, 3, 0), (3, 3, -5)],
    "vertical up": [(3, 3, 0), (3, 3, 5)],
    "right angle": [(0, 0, 0), (10, 0, 0), (10, 10, 0)],
    "zigzag": [(0, 0, 0), (10, 0, -1), (15, 7, -1.2), (15, 20, -1.4), (22, 21, -4)],
    "drop shaft": [(0, 0, 0), (10, 0, 0), (10, 0, -6), (20, 3, -6)],
    "repeated points": [(0, 0, 0), (0, 0, 0), (10, 0, 0), (10, 0, 0)],
    "helix": [(5 * np.cos(a), 5 * np.sin(a), a / 10) for a in np.linspace(0, 12, 60)],
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("sides", [8, 12, 16])
def test_a_round_tube_has_the_polygons_area_times_its_length(name: str, sides: int) -> None:
    line, radius = LINES[name], 0.4
    surface = swept(line, profile.circle(sides), 2 * radius, 2 * radius)
    mesh = solid(surface)
    area = sides / 2 * np.sin(2 * np.pi / sides) * radius**2
    assert area == pytest.approx(np.pi * radius**2, rel=1.7 * np.pi**2 * 4 / (6 * sides**2))
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(area * length(line), rel=1e-9)
    assert agreement(surface) > 0.9
    assert set(surface.features) == {5}


@pytest.mark.parametrize("name", LINES)
def test_boxes_and_eggs_are_closed_and_keep_their_section(name: str) -> None:
    for section in (profile.box(), profile.egg()):
        surface = swept(LINES[name], section, 0.8, 0.6, upright=True)
        mesh = solid(surface)
        assert mesh.is_watertight
        exact = section.area * 0.4 * 0.3 * length(LINES[name])
        assert mesh.volume == pytest.approx(exact, rel=0.02)  # slopes that change at a joint
        assert agreement(surface) > 0.9


def test_a_box_stands_upright_on_a_slope_and_round_a_bend() -> None:
    surface = swept([(0, 0, 0), (10, 0, -2), (10, 10, -4)], profile.box(), 2, 1, upright=True)
    lower, upper = surface.positions[:, 2].min(), surface.positions[:, 2].max()
    assert upper - lower == pytest.approx(4 + np.sqrt(1.04))
    ends = surface.positions[np.isclose(surface.positions[:, 0], 0)]
    assert np.ptp(ends[:, 1]) == pytest.approx(2)


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ([(0, 0, 0), (10, 0, 0), (5, 0.1, 0)], 2),  # folds back
        ([(0, 0, 0), (10, 0, 0), (0, 0, 0)], 2),  # exactly
        ([(0, 0, 0), (10, 0, 0), (10, 0.1, 0), (20, 0.1, 0)], 3),  # bends within its own radius
    ],
)
def test_joints_that_cannot_be_mitred_are_cut(line: Points, pieces: int) -> None:
    surface = swept(line, profile.circle(8), 0.8, 0.8)
    assert len(surface.indices) == pieces * (16 + 12)
    a, b, c = surface.positions[surface.indices].transpose(1, 0, 2)
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    assert volume == pytest.approx(profile.circle(8).area * 0.16 * length(line))


@pytest.mark.parametrize(
    "line", [[], [(1, 1, 1)], [(1, 1, 1), (1, 1, 1)], [(0, 0, 0), (1e-5, 0, 0)]]
)
def test_a_line_without_length_is_nothing(line: Points) -> None:
    assert len(swept(line, profile.circle(8), 1, 1).indices) == 0


def test_profiles_fill_the_square_counter_clockwise() -> None:
    for section in (profile.circle(8), profile.circle(16), profile.box(), profile.egg()):
        assert np.abs(section.points).max() == pytest.approx(1)
        assert 0 < section.area <= 4
    egg = profile.egg().points
    assert np.allclose(np.sort(egg[:, 0]), -np.sort(-egg[:, 0])[::-1])
    top, bottom = egg[egg[:, 1] > 0.5], egg[egg[:, 1] < -0.5]
    assert np.ptp(top[:, 0]) > np.ptp(bottom[:, 0])


coordinate = st.floats(-50, 50).map(lambda v: round(v, 2))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=2, max_size=7),
    st.sampled_from([8, 16]),
    st.floats(0.05, 2),
)
def test_any_line_gives_closed_solids_of_the_right_volume(
    line: Points, sides: int, diameter: float
) -> None:
    surface = swept(line, profile.circle(sides), diameter, diameter)
    if length(line) < 0.01:
        return
    assert np.isfinite(surface.positions).all()
    assert np.allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-5)
    middle = surface.positions.mean(axis=0)
    a, b, c = (surface.positions - middle)[surface.indices].transpose(1, 0, 2)
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    area = profile.circle(sides).area * diameter**2 / 4
    assert volume == pytest.approx(area * length(line), rel=1e-6)
