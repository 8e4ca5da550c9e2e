"""What is drawn becomes what vector tiles may hold (MVT 2.1), and none of it is lost."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import shapely
import shapely.affinity
import shapely.geometry.base
from hypothesis import given, settings
from hypothesis import strategies as st

from models.crs import STORAGE
from models.mvt.grid import MARGIN, UNITS, tile_matrix_sets
from models.mvt.overview import drawn
from models.mvt.placed import Placed, placed
from models.mvt.shapes import Drawn, Shapes

TMS = tile_matrix_sets(STORAGE)["EPSG4549Quad"]
CORNER = np.array([521_700.0, 3_428_800.0])


def stars(at: np.ndarray, seed: int) -> np.ndarray:
    """Areas with spikes, some of them thin."""
    random = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ray = random.random((len(at), 12)) ** 3 * random.choice([5.0, 50.0, 500.0], (len(at), 1)) + 0.5
    ring = at[:, None] + ray[..., None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.asarray(shapely.polygons(ring), object)


def some(dimension: int, n: int, seed: int) -> Shapes:
    random = np.random.default_rng(seed)
    at = CORNER + random.random((n, 2)) * 3000.0
    if dimension == 2:
        geometry = stars(at, seed)
    elif dimension == 1:
        walk = random.normal(0, 1, (n, 4, 2)) * random.choice([1.0, 30.0, 300.0], (n, 1, 1))
        geometry = shapely.linestrings(at[:, None] + walk)
    else:
        geometry = shapely.points(at)
    return Shapes(np.asarray(geometry, object), np.arange(n) % 3, np.ones(n), np.full(n, np.nan))


def whole(level: Drawn) -> Placed:
    bulks = [(bulk.item, bulk.tile, bulk.geometry) for bulk in placed(level, TMS)]
    return Placed(*(np.concatenate(each) for each in zip(*bulks, strict=True)))


def sound(found: Placed) -> None:
    xy = shapely.get_coordinates(found.geometry)
    assert (xy == np.rint(xy)).all()
    assert xy.min() >= -MARGIN
    assert xy.max() <= UNITS + MARGIN
    assert shapely.is_valid(found.geometry).all()
    assert not shapely.is_empty(found.geometry).any()
    assert (np.diff(found.tile[:, 1] * 2**32 + found.tile[:, 0]) >= 0).all()
    for line in shapely.get_parts(found.geometry):
        if shapely.get_dimensions(line) == 1:
            assert np.diff(shapely.get_coordinates(line), axis=0).any(axis=1).all()
    rings = shapely.get_exterior_ring(shapely.get_parts(found.geometry))
    rings = rings[~shapely.is_missing(rings)]
    assert shapely.is_ccw(rings).all()  # of positive area, y downwards


@pytest.mark.parametrize("dimension", [0, 1, 2])
@given(n=st.integers(1, 120), seed=st.integers(0, 999))
@settings(deadline=None, max_examples=12)
def test_tiles_hold_all_of_a_level_as_they_may(dimension: int, n: int, seed: int) -> None:
    for level in drawn(some(dimension, n, seed), TMS, 10, 16):
        found = whole(level)
        sound(found)
        assert set(found.item.tolist()) == set(range(len(level.count)))


def test_places_are_those_of_the_tile_y_downwards() -> None:
    side = TMS.side(14)
    col, row = np.floor(np.array([CORNER[0] - TMS.origin[0], TMS.origin[1] - CORNER[1]]) / side)
    west, south, east, north = TMS.box(14, int(row), int(col))
    inner = shapely.box(west + side / 4, south + side / 2, east - side / 2, north)
    found = whole(level_of(inner))
    (own,) = found.geometry[(found.tile == [col, row]).all(axis=1)]
    assert own.bounds == (UNITS / 4, 0, UNITS / 2, UNITS / 2)
    (above,) = found.geometry[(found.tile == [col, row - 1]).all(axis=1)]
    assert above.bounds == (UNITS / 4, UNITS, UNITS / 2, UNITS + MARGIN)


def test_what_is_thinner_than_a_unit_is_still_seen() -> None:
    side = TMS.side(12)
    wall = shapely.LineString([CORNER, CORNER + side / 9]).buffer(side / UNITS / 50)
    found = whole(level_of(wall, 12))
    sound(found)
    assert len(found.item) == 1


def level_of(area: shapely.geometry.base.BaseGeometry, zoom: int = 14) -> Drawn:
    one = np.ones(1)
    whole = one.astype(np.int64)
    geometry = np.array([area], dtype=object)
    return Drawn(zoom, 64, 64, geometry, whole - 1, whole, one, one, np.zeros((1, 2), np.int64))


def coast(radius: float, corners: int) -> shapely.Polygon:
    """A large area with bays all around."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    ray = radius * (1 + 0.05 * np.sin(60 * angle))
    return shapely.Polygon(CORNER + ray[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


@pytest.mark.parametrize("ring", [False, True])
def test_an_area_of_many_tiles_is_cut_as_one_of_few(ring: bool) -> None:
    area: shapely.geometry.base.BaseGeometry = coast(150.0, 4000)
    if ring:
        area = area.difference(area.buffer(-3.0))
    found = whole(level_of(area, 18))
    sound(found)
    corner = np.array([TMS.origin[0], TMS.origin[1]])
    scale = TMS.side(18) / UNITS
    there = shapely.transform(
        shapely.from_wkb(shapely.to_wkb(found.geometry)), lambda xy: xy * [scale, -scale]
    )
    tiles = found.tile * [TMS.side(18), -TMS.side(18)] + corner
    moved = [shapely.affinity.translate(g, *at) for g, at in zip(there, tiles, strict=True)]
    assert len(moved) > 30
    drawn_there = shapely.union_all(shapely.make_valid(np.array(moved, object)))
    apart = shapely.symmetric_difference(drawn_there, area).area
    assert apart < 2 * scale * area.length


def test_memory_for_an_area_of_many_tiles_is_bounded() -> None:
    level = level_of(coast(400.0, 20_000), 18)
    tracemalloc.start()
    try:
        tiles = sum(len(bulk.item) for bulk in placed(level, TMS))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert tiles > 400
    assert peak < 60e6  # 16 bytes for every vertex in every tile were 200 MB
