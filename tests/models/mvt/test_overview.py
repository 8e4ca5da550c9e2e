from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from models.crs import STORAGE
from models.mvt.grid import UNITS, tile_matrix_sets
from models.mvt.overview import Drawn, Shapes, drawn, first_raw

TMS = tile_matrix_sets(STORAGE)["EPSG4549Quad"]
CORNER = np.array([521_700.0, 3_428_800.0])


def shapes(geometry: np.ndarray, kinds: int = 1, size: float = np.nan) -> Shapes:
    geometry = np.asarray(geometry, object)
    area = shapely.get_dimensions(geometry).max(initial=0) == 2
    measure = shapely.area(geometry) if area else shapely.length(geometry)
    n = len(geometry)
    return Shapes(geometry, np.arange(n) % kinds, np.asarray(measure), np.full(n, size))


def levels(given: Shapes, first: int = 10, raw: int = 16) -> list[Drawn]:
    return list(drawn(given, TMS, first, raw))


def places(n: int, seed: int, spread: float = 3000.0) -> np.ndarray:
    return CORNER + np.random.default_rng(seed).random((n, 2)) * spread


@given(n=st.integers(1, 300), kinds=st.integers(1, 4), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_every_feature_counts_once_at_every_level(n: int, kinds: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    at = places(n, seed)
    ends = np.stack([at, at + random.normal(0, 40, (n, 2))], axis=1)
    width = random.random((n, 2)) * 60 + 1
    for geometry in (
        shapely.points(at),
        shapely.linestrings(ends),
        shapely.box(*at.T, *(at + width).T),
    ):
        made = shapes(geometry, kinds)
        for level in levels(made):
            assert level.count.sum() == n
            assert level.measure.sum() == pytest.approx(made.measure.sum())
            assert shapely.is_valid(level.geometry).all()
            assert not shapely.is_empty(level.geometry).any()


@given(n=st.integers(2, 200), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_a_network_that_hangs_together_still_does(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    at = places(n, seed)
    parent = [int(random.integers(0, i)) for i in range(1, n)]
    lines = shapely.linestrings(np.stack([at[1:], at[parent]], axis=1))
    for level in levels(shapes(lines)):
        graph = nx.Graph()
        for part in shapely.get_parts(level.geometry):
            nx.add_path(graph, [tuple(p) for p in np.round(shapely.get_coordinates(part), 6)])
        assert nx.is_connected(graph)


def test_lines_move_by_less_than_a_cell() -> None:
    at = places(200, 1)
    lines = shapely.linestrings(np.stack([at, at + 150.0], axis=1))
    union = shapely.union_all(lines)
    for level in levels(shapes(lines)):
        cell = TMS.side(level.zoom) / 128
        drawn_ = shapely.union_all(level.geometry)
        assert shapely.hausdorff_distance(drawn_, union, densify=0.2) < 2 * cell


def test_small_areas_become_squares_of_the_same_area_and_large_ones_keep_their_outline() -> None:
    small = shapely.box(
        *(CORNER + np.array([[1, 1, 9, 9], [10, 10, 16, 16]]).reshape(2, 2, 2)).reshape(2, 4).T
    )
    large = shapely.buffer(shapely.Point(*CORNER + 1000.0), 200.0)
    (level,) = levels(shapes(np.array([*small, large]), size=30.0), 12, 13)
    assert sorted(level.count) == [1, 2]
    square = level.geometry[np.argmax(level.count)]
    assert shapely.area(square) == pytest.approx(64 + 36)
    outline = level.geometry[np.argmin(level.count)]
    assert shapely.area(shapely.symmetric_difference(outline, large)) < 0.02 * large.area
    assert (level.size == 30.0).all()


def test_points_of_a_class_cluster_and_classes_stay_apart() -> None:
    near = CORNER + np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 5.0], [500.0, 500.0]])
    made = Shapes(
        np.asarray(shapely.points(near), object),
        np.array([0, 0, 1, 0]),
        np.zeros(4),
        np.full(4, np.nan),
    )
    (level,) = levels(made, 12, 13)
    assert sorted(zip(level.kind, level.count, strict=True)) == [(0, 1), (0, 2), (1, 1)]


def test_features_are_drawn_themselves_from_where_they_are_few_and_large_enough() -> None:
    at = places(4000, 3, 400.0)
    crowd = shapes(shapely.box(*at.T, *(at + 8.0).T))
    zoom = first_raw(crowd, TMS, 8)
    counts = np.unique(np.floor(at / TMS.side(zoom)), axis=0, return_counts=True)[1]
    assert counts.max() < 3000
    assert TMS.side(zoom) / UNITS * 6 <= 8.0
    few = shapes(shapely.box(*at[:5].T, *(at[:5] + 8.0).T))
    assert first_raw(few, TMS, 8) < zoom


def test_a_crowd_at_one_place_does_not_fill_the_tiles_of_a_large_area_beside_it() -> None:
    half = np.linspace(1.0, 7.0, 1500)
    stack = shapely.box(*(CORNER[:, None] - half), *(CORNER[:, None] + half))
    assert first_raw(shapes(stack), TMS, 8) > 20  # no tile is deep enough to part them
    lake = shapely.box(*(CORNER + 1000.0), *(CORNER + 21_000.0))
    crowd = shapes(np.array([*stack, lake], object))
    raw = first_raw(crowd, TMS, 8)
    assert 12 < raw <= 20
    (level,) = levels(crowd, raw - 1, raw)
    assert level.count.sum() == 1501
    assert (20_000.0 / TMS.side(raw - 1)) ** 2 < 500_000


def test_a_crowded_tile_of_lines_stays_small() -> None:
    random = np.random.default_rng(5)
    at = CORNER + random.random((60_000, 2)) * 6000.0
    lines = shapely.linestrings(np.stack([at, at + random.normal(0, 60, at.shape)], axis=1))
    for level in levels(shapes(lines, kinds=8), 9, 12):
        vertices = shapely.get_num_coordinates(level.geometry).sum()
        tiles = np.unique(
            np.floor(shapely.bounds(level.geometry)[:, :2] / TMS.side(level.zoom)), axis=0
        )
        assert vertices < 60_000 * len(tiles)
        assert level.count.sum() == 60_000


@given(n=st.integers(1, 300), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_what_is_large_stays_where_it_is(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    at = places(n, seed)
    width = 10.0 * 50.0 ** random.random((n, 2))
    given = shapes(shapely.box(*at.T, *(at + width).T), kinds=2)
    for level in levels(given):
        cell = TMS.side(level.zoom) / level.cells
        large = width.max(axis=1) >= cell
        if large.any():
            middle = shapely.centroid(given.geometry[large])
            assert shapely.distance(middle, shapely.union_all(level.geometry)).max() < 1.5 * cell
            areas = shapely.area(level.geometry)
            assert areas.max() >= 0.9 * given.measure[large].max()


def test_a_crowded_tile_of_points_stays_small() -> None:
    made = shapes(shapely.points(places(40_000, 7, 6000.0)), kinds=8)
    for level in levels(made, 9, 14):
        at = np.floor(shapely.get_coordinates(level.geometry) / TMS.side(level.zoom))
        _, number = np.unique(at, axis=0, return_counts=True)
        assert number.max() <= 4_200
        assert level.count.sum() == 40_000
