"""Distances against an independent optimiser, and what a distance means."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from models.clearance.bodies import Bodies
from models.clearance.distance import segment_segment, spatial
from models.clearance.solids import shadows, solids
from models.clearance.vertical import vertical

ORIGIN = np.array([617_486.771, 3_430_515.006, 0.0])
coordinate = st.floats(-4, 4).map(lambda v: round(v, 3))
vertex = st.tuples(coordinate, coordinate, coordinate)
size = st.floats(0.02, 1.5).map(lambda v: round(v, 3))
shape = st.sampled_from(["round", "egg", "box"])
pipe = st.tuples(vertex, vertex, size, size, shape)


def bodies(*pipes):
    """Bodies of (start, end, half width, half height, shape) near ORIGIN."""
    count = len(pipes)
    start, end = (np.array([p[i] for p in pipes], float) + ORIGIN for i in (0, 1))
    wide = np.array([p[2] for p in pipes], float)
    tall = np.where([p[4] == "round" for p in pipes], wide, [p[3] for p in pipes])
    box = np.array([p[4] == "box" for p in pipes])
    zero, nodes = np.zeros(count), np.arange(2 * count).reshape(count, 2)
    rows = np.arange(count)
    return Bodies(rows, start, end, wide, tall, box, zero, zero, box, nodes, nodes)


def pair(a, b):
    made = bodies(a, b)
    return solids(made, np.array([0])), solids(made, np.array([1]))


def core(pipe):
    """Centre, spanning vectors and radius of a pipe, worked out apart from the product's code."""
    start, end, wide, tall, kind = pipe
    start, end = np.array(start, float), np.array(end, float)
    along, tall = end - start, wide if kind == "round" else tall
    east, north = along[:2]
    level = np.hypot(east, north)
    upright = level <= 1e-9 * np.linalg.norm(along)
    across = np.array([1.0, 0, 0]) if upright else np.array([-north, east, 0]) / level
    ahead = along / np.linalg.norm(along) if np.any(along) else np.array([0, -1.0, 0])
    radius = 0.0 if kind == "box" else min(wide, tall)
    spans = [along / 2, across * (wide - radius), np.cross(ahead, across) * (tall - radius)]
    return (start + end) / 2, np.array(spans).T, radius


def optimum(a, b):
    """Distance of the cores by bounded least squares, and the sum of the radii."""
    (ca, va, ra), (cb, vb, rb) = core(a), core(b)
    found = lsq_linear(np.hstack([va, -vb]), cb - ca, (-1, 1), tol=1e-13, max_iter=500)
    return float(np.sqrt(2 * found.cost)), ra + rb


def extent(pipe, way):
    """How far (least, greatest) a pipe reaches along the unit vector ``way``, from ORIGIN."""
    centre, spans, radius = core(pipe)
    reach = np.abs(way @ spans).sum() + radius
    return way @ centre - reach, way @ centre + reach


@settings(max_examples=150, deadline=None)
@given(pipe, pipe)
def test_no_two_points_of_the_bodies_are_nearer_than_said(a, b):
    gaps = spatial(*pair(a, b))
    got = gaps.distance[0]
    between, radii = optimum(a, b)
    assert got <= between - radii + 1e-5
    if got > 1e-4:
        # A slab as wide as the distance lies between the two: nothing of either is in it.
        way = gaps.normal[0]
        assert extent(a, way)[0] - extent(b, way)[1] == pytest.approx(got, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(pipe, pipe)
def test_the_closest_points_are_of_the_surfaces_and_as_far_apart_as_said(a, b):
    first, second = pair(a, b)
    gaps, back = spatial(first, second), spatial(second, first)
    assert back.distance[0] == pytest.approx(gaps.distance[0], abs=1e-7)
    if gaps.distance[0] > 1e-4:
        line = gaps.on_a[0] - gaps.on_b[0]
        assert np.linalg.norm(line) == pytest.approx(gaps.distance[0], abs=1e-6)
        for body, point in ((a, gaps.on_a[0]), (b, gaps.on_b[0])):
            centre, spans, radius = core(body)
            inside = lsq_linear(spans, point - ORIGIN - centre, (-1, 1), tol=1e-13)
            assert np.sqrt(2 * inside.cost) == pytest.approx(radius, abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(pipe, pipe, st.integers(0, 2**32 - 1))
def test_an_overlap_is_the_shortest_way_out(a, b, seed):
    first, second = pair(a, b)
    gaps = spatial(first, second)
    depth = -gaps.distance[0]
    assume(depth > 0.01)
    out = spatial(first.moved(gaps.normal * (depth + 1e-6)), second)
    assert out.distance[0] == pytest.approx(0, abs=1e-5)
    ways = np.random.default_rng(seed).normal(size=(64, 3))
    ways *= 0.98 * depth / np.linalg.norm(ways, axis=1)[:, None]
    many = np.zeros(64, int)
    assert (spatial(first[many].moved(ways), second[many]).distance < 0).all()


@settings(max_examples=100, deadline=None)
@given(pipe, pipe)
def test_shadows_are_as_far_apart_as_their_outlines_in_plan(a, b):
    made = bodies(a, b)
    got = spatial(shadows(made, np.array([0])), shadows(made, np.array([1]))).distance[0]
    outline = []
    for pipe in (a, b):
        centre, spans, radius = core(pipe)
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        hull = shapely.MultiPoint((centre + corners @ spans.T)[:, :2]).convex_hull
        outline.append((hull, radius))
    apart = shapely.distance(outline[0][0], outline[1][0])
    radii = outline[0][1] + outline[1][1]
    if apart > 1e-6:
        assert got == pytest.approx(apart - radii, abs=1e-6)
    else:
        assert got <= 1e-6 - radii


@settings(max_examples=100, deadline=None)
@given(pipe, pipe)
def test_the_upper_body_sinks_by_the_vertical_distance_until_it_touches(a, b):
    first, second = pair(a, b)
    found = vertical(first, second)
    distance = found.distance[0]
    assume(np.isfinite(distance))
    down = np.array([[0, 0, -distance if found.a_above[0] else distance]])
    assert spatial(first.moved(down), second).distance[0] == pytest.approx(0, abs=1e-6)
    if distance > 0:
        assert spatial(first, second).distance[0] > 0
        assert spatial(first.moved(down * 0.9), second).distance[0] > 0
    above, below = (found.on_a, found.on_b) if found.a_above[0] else (found.on_b, found.on_a)
    assert above[0, 2] - below[0, 2] == pytest.approx(distance, abs=1e-6)


def gap(a, b):
    return vertical(*pair(a, b)).distance[0]


def test_level_pipes_crossing_at_any_angle_are_the_heights_less_both_radii_apart():
    for turn in np.radians([10, 45, 90, 135]):
        over = (-np.cos(turn), -np.sin(turn), -1.0), (np.cos(turn), np.sin(turn), -1.0)
        assert gap((*over, 0.3, 0.3, "round"), ((-2, 0, -3), (2, 0, -3), 0.5, 0.5, "round")) == (
            pytest.approx(2.0 - 0.8, abs=1e-6)
        )


def test_one_pipe_along_above_another_counts_the_offset_of_the_circles():
    upper = ((0, 0.4, -1), (9, 0.4, -1), 0.3, 0.3, "round")
    lower = ((-1, 0, -2.5), (8, 0, -2.5), 0.5, 0.5, "round")
    assert gap(upper, lower) == pytest.approx(1.5 - np.sqrt(0.8**2 - 0.4**2), abs=1e-6)


@pytest.mark.parametrize("degrees", [5, 30, 60])
def test_a_sloping_pipe_is_cut_at_an_angle(degrees):
    slope = np.radians(degrees)
    ramp = ((-3, 0, 9 - 3 * np.tan(slope)), (3, 0, 9 + 3 * np.tan(slope)), 0.4, 0.4, "round")
    wire = ((0, -3, 0), (0, 3, 0), 1e-9, 1e-9, "round")
    # Its section by an upright plane is an ellipse, r / cos(slope) high.
    assert gap(ramp, wire) == pytest.approx(9 - 0.4 / np.cos(slope), abs=1e-6)
    board = (*ramp[:2], 0.4, 0.2, "box")
    assert gap(board, wire) == pytest.approx(9 - 0.2 / np.cos(slope), abs=1e-6)


def test_uprights_and_points_have_distances_too():
    riser = ((0, 0, -3), (0, 0, 0), 0.1, 0.1, "round")
    main = ((-5, 1.0, -2), (5, 1.0, -2), 0.3, 0.3, "round")
    assert spatial(*pair(riser, main)).distance[0] == pytest.approx(0.6, abs=1e-9)
    point = ((2, 0, -2), (2, 0, -2), 0.2, 0.2, "round")
    assert spatial(*pair(point, main)).distance[0] == pytest.approx(0.5, abs=1e-9)
    beneath = ((-5, 0, -4), (5, 0, -4), 0.3, 0.3, "round")
    assert gap(riser, beneath) == pytest.approx(1 - 0.4, abs=1e-6)  # a round end under the riser
    shaft = ((0, 0, -3), (0, 0, 0), 0.5, 0.5, "box")
    assert gap(shaft, beneath) == pytest.approx(1 - 0.3, abs=1e-6)


def test_touching_bodies_are_nought_apart():
    left = ((0, 0, 0), (4, 0, 0), 0.5, 0.5, "box")
    assert spatial(*pair(left, ((0, 1.0, 0), (4, 1.0, 0), 0.5, 0.5, "box"))).distance[0] == (
        pytest.approx(0, abs=1e-9)
    )
    assert spatial(*pair(left, ((0, 0.75, 0), (4, 0.75, 0), 0.25, 0.25, "round"))).distance[0] == (
        pytest.approx(0, abs=1e-9)
    )


def test_an_unknown_height_or_size_gives_no_distance():
    level = ((0, 0, 0), (4, 0, 0), 0.5, 0.5, "round")
    blank = ((0, 2, np.nan), (4, 2, np.nan), 0.5, 0.5, "round")
    assert np.isnan(spatial(*pair(level, blank)).distance[0])
    made = bodies(level, blank)
    flat = spatial(shadows(made, np.array([0])), shadows(made, np.array([1])))
    assert flat.distance[0] == pytest.approx(1.0)
    unsized = ((0, 2, 0), (4, 2, 0), np.nan, np.nan, "round")
    assert np.isnan(spatial(*pair(level, unsized)).distance[0])


@given(vertex, vertex, vertex, vertex)
def test_segments_are_closest_where_geos_says(a, b, c, d):
    p, q, r, s = (np.array([[*v[:2], 0.0]]) for v in (a, b, c, d))
    u, v = segment_segment(p, q - p, r, s - r)
    got = np.linalg.norm(p + u[:, None] * (q - p) - r - v[:, None] * (s - r))
    wanted = shapely.distance(
        shapely.LineString([a[:2], b[:2]]), shapely.LineString([c[:2], d[:2]])
    )
    assert got == pytest.approx(wanted, abs=1e-6)
