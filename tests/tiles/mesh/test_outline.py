"""Which edges are drawn, judged by what is known of the solids."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.mesh.outline import outline
from tiles.testing import random_boxes, solids


def places(positions: np.ndarray, edges: np.ndarray) -> set[tuple[tuple[float, ...], ...]]:
    """The edges as pairs of places, whichever vertices they were named by."""
    ends = positions.round(4)[edges].tolist()
    return {tuple(sorted(map(tuple, pair))) for pair in ends}


def test_a_box_has_twelve_edges_named_by_both_faces() -> None:
    box = solids(random_boxes(1))
    edges = outline(box.positions, box.indices, box.feature_ids)
    assert len(edges) == 24
    assert len(places(box.positions, edges)) == 12
    sides = {frozenset(pair) for face in box.indices.tolist() for pair in pairs(face)}
    assert {frozenset(pair) for pair in edges.tolist()} <= sides  # as the extension demands


def pairs(face: list[int]) -> list[tuple[int, int]]:
    return list(zip(face, face[1:] + face[:1], strict=True))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_neither_order_nor_shared_vertices_change_what_is_drawn(seed: int, count: int) -> None:
    boxes = solids(random_boxes(count, seed=seed))
    wanted = places(boxes.positions, outline(boxes.positions, boxes.indices, boxes.feature_ids))
    assert len(wanted) == 12 * count
    random = np.random.default_rng(seed)
    order = random.permutation(len(boxes.positions))
    back = np.argsort(order)
    indices = np.roll(back[boxes.indices], int(random.integers(3)), axis=1)
    indices = indices[random.permutation(len(indices))]
    mixed = outline(boxes.positions[order], indices, boxes.feature_ids[order])
    assert places(boxes.positions[order], mixed) == wanted
    solid = trimesh.Trimesh(boxes.positions, boxes.indices, process=True)  # welds all corners
    if len(solid.vertices) == 8 * count:
        whole = outline(solid.vertices, solid.faces, np.zeros(8 * count, np.uint32))
        assert places(solid.vertices, whole) == wanted


def test_round_sides_have_none_but_their_ends_do() -> None:
    tube = trimesh.creation.cylinder(0.5, 3.0, sections=32)
    edges = outline(tube.vertices, tube.faces, np.zeros(len(tube.vertices), np.uint32))
    assert len(edges) == 64
    assert np.ptp(tube.vertices[edges][:, :, 2], axis=1) == pytest.approx(0)
    facets = trimesh.creation.cylinder(0.5, 3.0, sections=6)
    edges = outline(facets.vertices, facets.faces, np.zeros(len(facets.vertices), np.uint32))
    assert len(edges) == 18


def test_features_that_touch_keep_their_own_edges() -> None:
    low = np.array([[0.0, 0, 0, 1, 1, 1], [1.0, 0, 0, 2, 1, 1]])  # side by side, roofs in one plane
    two, one = solids(low), solids(low, [0, 0])
    apart = outline(two.positions, two.indices, two.feature_ids)
    assert len(apart) == 48
    joint = outline(one.positions, one.indices, one.feature_ids)
    assert np.array_equal(joint, apart)  # nothing is drawn across the faces that touch


def test_an_open_surface_ends_in_lines_and_nothing_has_none() -> None:
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    faces, ids = np.array([[0, 1, 2], [0, 2, 3]]), np.zeros(4, np.uint32)
    assert outline(square, faces, ids).tolist() == [[0, 1], [0, 3], [1, 2], [2, 3]]
    assert outline(square, np.array([[0, 1, 1]]), ids).shape == (0, 2)
