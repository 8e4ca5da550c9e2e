from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from models.crs import STORAGE, StorageCrs
from models.mvt.grid import (
    DEEPEST,
    PIXEL,
    UNITS,
    affine,
    box_of,
    project,
    tile_matrix_sets,
    to_degrees,
    unproject,
)

SETS = tile_matrix_sets(STORAGE)
WEB, OWN = SETS["WebMercatorQuad"], SETS["EPSG4549Quad"]
EAST, NORTH = st.floats(480_000, 640_000), st.floats(3_300_000, 3_500_000)
#: Metres by which doubles of this size tell a place from a line between tiles.
ROUNDED = 1e-8


def test_scale_denominators_of_web_mercator_are_those_of_the_standard() -> None:
    # OGC 17-083r4, table D.1, levels 0 and 18
    assert WEB.cell(0) / PIXEL == pytest.approx(559082264.028717)
    assert WEB.cell(18) / PIXEL == pytest.approx(2132.7295838497)


def test_cells_of_the_storage_set_are_powers_of_two_metres() -> None:
    assert OWN.cell(15) == 1.0
    assert OWN.northing_first
    assert OWN.box(0, 0, 0) == (500_000 - 2**22, 0.0, 500_000 + 2**22, 2.0**23)


def test_another_zone_has_a_set_of_its_own_about_its_meridian() -> None:
    (_, own) = tile_matrix_sets(StorageCrs(4528)).values()
    assert (own.id, own.origin[0]) == ("EPSG4528Quad", 40_500_000 - 2**22)


@pytest.mark.parametrize("tms", SETS.values(), ids=SETS)
@given(east=EAST, north=NORTH, zoom=st.integers(0, DEEPEST))
@example(east=float(np.nextafter(500_000, 0)), north=3_400_000.0, zoom=1)
@example(east=500_100.0, north=float(np.nextafter(2**23 - 20 * 2**18, np.inf)), zoom=5)
@settings(deadline=None, max_examples=50)
def test_the_tile_of_a_place_holds_it(tms, east, north, zoom) -> None:  # type: ignore[no-untyped-def]
    x, y = project(tms, np.array([[east, north]]), STORAGE)[0]
    row, last_row, col, last_col = tms.limits(zoom, (x, y, x, y))
    west, south, right, top = tms.box(zoom, row, col)
    assert (row, col) == (last_row, last_col)
    assert west - ROUNDED <= x <= right + ROUNDED
    assert south - ROUNDED <= y <= top + ROUNDED


@given(east=EAST, north=NORTH)
@settings(deadline=None, max_examples=50)
def test_projecting_agrees_with_proj_and_can_be_undone(east: float, north: float) -> None:
    place = np.array([[east, north]])
    there = project(WEB, place, STORAGE)
    proj = Transformer.from_crs(4549, 3857, always_xy=True)
    assert there[0] == pytest.approx(proj.transform(east, north), abs=1e-3)
    assert unproject(WEB, there, STORAGE)[0] == pytest.approx(place[0], abs=1e-3)
    degrees = Transformer.from_crs(4549, 4490, always_xy=True).transform(east, north)
    assert np.ravel(to_degrees(WEB, there, STORAGE)) == pytest.approx(degrees, abs=1e-8)


@given(east=EAST, north=NORTH, zoom=st.integers(12, DEEPEST), u=st.floats(0, 1), v=st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_the_map_into_a_tile_is_off_by_less_than_a_unit(
    east: float, north: float, zoom: int, u: float, v: float
) -> None:
    x, y = project(WEB, np.array([[east, north]]), STORAGE)[0]
    row, _, col, _ = WEB.limits(zoom, (x, y, x, y))
    box = WEB.box(zoom, row, col)
    m = affine(WEB, zoom, row, col, box, STORAGE)
    wanted = np.array([[box[0] + u * (box[2] - box[0]), box[1] + v * (box[3] - box[1])]])
    (here,) = unproject(WEB, wanted, STORAGE)
    found = (m.a * here[0] + m.b * here[1] + m.dx, m.d * here[0] + m.e * here[1] + m.dy)
    assert found == pytest.approx((u * UNITS, v * UNITS), abs=1.0)
    assert m.error < 1.0


def test_first_zoom_is_where_a_box_spans_a_sixteenth_of_a_tile() -> None:
    box = box_of(WEB, (121.279, 31.152, 121.321, 31.188), STORAGE)
    zoom = WEB.first_zoom(box)
    width = max(box[2] - box[0], box[3] - box[1])
    assert WEB.side(zoom) / 16 <= width < WEB.side(zoom - 1) / 16
