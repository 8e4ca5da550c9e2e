"""The sample IFC files: georeferenced, storeys, services, shared bodies, on a free plot."""

import math
from pathlib import Path

import geopandas
import ifcopenshell
import pyproj
import pytest
import shapely

from ingest.readers.base import ReadOptions
from ingest.readers.ifc import IfcReader
from models.findings import Severity

FILES = {"songjiang-hub": "hub_annex.ifc", "qianwan": "office_tower.ifc"}


@pytest.fixture(scope="module")
def path(root: Path, twin: str) -> Path:
    return root / twin / FILES[twin]


@pytest.fixture(scope="module")
def model(path: Path) -> ifcopenshell.file:
    return ifcopenshell.open(str(path))


def test_georeferenced_with_a_turned_axis(model: ifcopenshell.file) -> None:
    (crs,) = model.by_type("IfcProjectedCRS")
    assert crs.Name == "EPSG:4549"
    assert "1985" in crs.VerticalDatum or "5737" in crs.VerticalDatum
    (conversion,) = model.by_type("IfcMapConversion")
    x, y = conversion.XAxisAbscissa, conversion.XAxisOrdinate
    assert math.hypot(x, y) == pytest.approx(1.0)
    assert abs(y) > 0.05
    (site,) = model.by_type("IfcSite")
    to_degrees = pyproj.Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True)
    lon, lat = to_degrees.transform(conversion.Eastings, conversion.Northings)
    d, m, s, u = site.RefLongitude
    assert d + m / 60 + (s + u / 1e6) / 3600 == pytest.approx(lon, abs=0.01)
    d, m, s, u = site.RefLatitude
    assert d + m / 60 + (s + u / 1e6) / 3600 == pytest.approx(lat, abs=0.01)


def test_six_storeys_or_more_two_of_them_underground(model: ifcopenshell.file) -> None:
    levels = [s.Elevation for s in model.by_type("IfcBuildingStorey")]
    assert len(levels) >= 6
    assert sum(level < 0 for level in levels) == 2
    assert levels == sorted(levels)


def test_all_kinds_of_elements(model: ifcopenshell.file) -> None:
    kinds = (
        "IfcSlab IfcColumn IfcBeam IfcWall IfcCurtainWall IfcPlate IfcMember IfcWindow IfcDoor "
        "IfcStairFlight IfcSpace IfcOpeningElement IfcPipeSegment IfcPipeFitting IfcDuctSegment "
        "IfcAirTerminal IfcFireSuppressionTerminal IfcLightFixture IfcDistributionSystem "
        "IfcPropertySet IfcMaterial IfcSurfaceStyle IfcRelVoidsElement IfcRelFillsElement"
    )
    assert [k for k in kinds.split() if not model.by_type(k)] == []


def test_bodies_are_shared_by_types(model: ifcopenshell.file) -> None:
    columns = model.by_type("IfcColumn")
    bodies = {
        item.MappingSource.id()
        for column in columns
        for representation in column.Representation.Representations
        for item in representation.Items
    }
    assert len(columns) > 30 * len(bodies)


def test_global_ids_are_unique(model: ifcopenshell.file) -> None:
    ids = [e.GlobalId for e in model.by_type("IfcRoot")]
    assert len(ids) == len(set(ids))


def test_no_larger_than_a_megabyte_and_a_half(path: Path) -> None:
    assert path.stat().st_size <= 1_500_000


def test_our_reader_places_it_on_a_free_plot(
    path: Path, footprints: geopandas.GeoDataFrame
) -> None:
    reader = IfcReader()
    (group,) = reader.group([path])
    delivery = reader.read(group, ReadOptions())
    assert [f for f in delivery.findings if f.severity is not Severity.INFO] == []
    boxes = delivery.tables["bim_element"]["geom"].dropna()
    # The boxes' own corners, not their axis-parallel hull, which is far larger for a turned plan.
    hull = shapely.convex_hull(shapely.force_2d(shapely.union_all(boxes.to_numpy())))
    assert hull.area > 900.0
    assert footprints.geometry.distance(hull).min() > 5.0
