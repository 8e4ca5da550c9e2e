"""Boxes of single buildings: no point of them is farther from the footprint than they say."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box
from shapely.affinity import rotate, scale
from shapely.geometry.base import BaseGeometry

from tiles.far_boxes import Boxes
from tiles.massing import Legend, Look
from tiles.mesh.footprint import triangulate
from tiles.testing import WALL
from tiles.tilers.building_boxes import prism_boxes

BLOCK = box(0, 0, 60, 40)
SHAPES = {
    "house": box(0, 0, 12, 9),
    "triangle": Polygon([(0, 0), (30, 0), (3, 20)]),
    "round": shapely.Point(0, 0).buffer(15),
    "L": BLOCK.difference(box(25, 15, 61, 41)),
    "U": BLOCK.difference(box(10, 10, 50, 41)),
    "around a court": BLOCK.difference(box(10, 10, 50, 30)),
    "court in a corner": BLOCK.difference(box(30, 10, 58, 38)),
    "two apart": shapely.MultiPolygon([box(0, 0, 5, 5), box(40, 30, 45, 35)]),
    "two convex": shapely.MultiPolygon([box(0, 0, 5, 40), box(55, 0, 60, 40)]),
    "comb": BLOCK.difference(shapely.union_all([box(n, 5, n + 6, 41) for n in range(4, 60, 10)])),
    "spit": box(0, 0, 100, 5).difference(box(50, -1, 99, 4.8)),
    "cross": box(0, 40, 100, 60).union(box(40, 0, 60, 100)),
}


def boxed(shapes: list[BaseGeometry]) -> Boxes:
    plans = triangulate(np.array(shapes, dtype=object))
    foot = np.column_stack([plans.xy, np.zeros(len(plans.xy))])
    legend = Legend((Look(WALL),))
    rows = np.arange(len(shapes))
    look = np.zeros(len(rows), np.uint32)
    return prism_boxes(plans, foot, foot + np.array([0, 0, 9.0]), rows, look, legend)


def farthest(made: Boxes, row: int, shape: BaseGeometry) -> float:
    """How far a point of the box is from the footprint, by 41 × 41 of them."""
    along = made.axis[row].astype(float)
    side = np.linspace(-1, 1, 41)
    u, v = np.meshgrid(side * made.half[row, 0], side * made.half[row, 1])
    places = made.centre[row, :2] + u[..., None] * along + v[..., None] * (-along[1], along[0])
    return float(shapely.distance(shapely.points(places), shape).max())


@pytest.mark.parametrize("name", SHAPES)
@settings(deadline=None, max_examples=8)
@given(turn=st.floats(0, 360), wide=st.floats(0.3, 4.0), high=st.floats(0.3, 4.0))
def test_the_error_holds_and_is_not_far_off(
    name: str, turn: float, wide: float, high: float
) -> None:
    shape = rotate(scale(SHAPES[name], wide, high), turn)
    made = boxed([SHAPES["house"], shape, SHAPES["L"]])
    assert len(made.error) == 3
    true, told = farthest(made, 1, shape), float(made.error[1])
    assert true <= told + 0.01
    slack = float(np.hypot(*made.half[1, :2])) / 4
    assert told <= max(1.6 * true, true + slack, 8.0) + 0.01


def test_what_fills_its_box_has_no_error() -> None:
    assert float(boxed([rotate(BLOCK, 31.0)]).error[0]) < 0.01
