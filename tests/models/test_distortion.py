"""Projections that bend a city cannot be the storage CRS."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from pyproj import CRS

from models.crs import StorageCrs
from models.distortion import worst
from models.errors import StorageCrsError
from twin.testing import Program


@pytest.mark.parametrize("srid", [4549, 4550, 4502, 32651, 25832, 7855, 2193])
def test_zones_and_national_conformal_grids_are_taken(srid: int) -> None:
    scale, angle = worst(CRS.from_epsg(srid))
    assert scale < 0.005
    assert angle < 1e-4
    assert StorageCrs(srid).srid == srid


def test_web_mercator_is_worst_at_its_edge() -> None:
    """Its scale is the secant of the latitude (on the sphere that it takes the Earth for)."""
    scale, angle = worst(CRS.from_epsg(3857))
    assert scale == pytest.approx(1 / math.cos(math.radians(85.06)) - 1, rel=0.01)
    assert angle < 1e-4


def test_without_an_area_of_use_nothing_is_known() -> None:
    assert worst(CRS("+proj=tmerc +lon_0=121 +ellps=GRS80")) == (math.inf, math.inf)


@pytest.mark.parametrize("srid", [3857, 3395, 3035, 6933])
def test_what_bends_lengths_or_angles_is_refused(srid: int) -> None:
    with pytest.raises(StorageCrsError) as caught:
        StorageCrs(srid)
    for said in (caught.value.en, caught.value.zh):
        assert f"EPSG:{srid}" in said
        assert "TWIN_STORAGE_SRID" in said
        assert "EPSG:4549" in said
    assert "变形" in caught.value.zh


def test_the_program_refuses_it_before_it_makes_anything(
    new_program: Callable[..., Program],
) -> None:
    program = new_program(TWIN_STORAGE_SRID="3857")
    ended = program.run("ingest", "nothing.csv", "--twin", "qianwan")
    assert ended.returncode == 2
    assert "SET-01" in ended.stderr
    assert "EPSG:3857" in ended.stderr
    assert "Traceback" not in ended.stderr
