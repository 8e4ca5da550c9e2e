"""Where a model comes to stand: operations, units, sites, datums, and what is refused.

Each file holds one block of 2 x 1 x 3 m whose lower corner is at (10, 20, 5) m of the project.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.ifc import IfcReader
from models.crs import to_storage
from models.features import Delivery
from models.findings import Severity

MILLI = ("IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.)", 0.001)
METRE = ("IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.)", 1.0)
FOOT = ("IFCCONVERSIONBASEDUNIT(#71,.LENGTHUNIT.,'FOOT',#72)", 0.3048)
CRS_4549 = "#40=IFCPROJECTEDCRS('EPSG:4549',$,$,'EPSG:5737',$,$,{unit});"
E0, N0, H0 = 617486.771, 3430515.006, 4.5


def step(
    *extra: str,
    schema: str = "IFC4",
    unit: tuple[str, float] = METRE,
    site: str = "$,$,$",
    site_at: tuple[float, float, float] = (0, 0, 0),
    north: str = "$",
    wcs: tuple[float, float, float] = (0, 0, 0),
) -> str:
    k = unit[1]

    def point(xyz: tuple[float, ...]) -> str:
        return "(" + ",".join(f"{v / k:.9f}" for v in xyz) + ")"

    lines = [
        "ISO-10303-21;",
        "HEADER;",
        "FILE_DESCRIPTION((''),'2;1');",
        "FILE_NAME('','2026-01-01T00:00:00',(''),(''),'','','');",
        f"FILE_SCHEMA(('{schema}'));",
        "ENDSEC;",
        "DATA;",
        f"#1=IFCCARTESIANPOINT({point(wcs)});",
        "#2=IFCAXIS2PLACEMENT3D(#1,$,$);",
        f"#3={unit[0]};",
        "#4=IFCUNITASSIGNMENT((#3));",
        f"#5={'IFCDIRECTION((0.,1.))' if north == '$' else north};",
        "#6=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-6,#2,#5);",
        "#7=IFCPROJECT('0000000000000000000007',$,'P',$,$,$,$,(#6),#4);",
        f"#8=IFCCARTESIANPOINT({point(site_at)});",
        "#9=IFCAXIS2PLACEMENT3D(#8,$,$);",
        "#10=IFCLOCALPLACEMENT($,#9);",
        f"#11=IFCSITE('0000000000000000000011',$,'S',$,$,#10,$,$,.ELEMENT.,{site},$,$);",
        "#12=IFCRELAGGREGATES('0000000000000000000012',$,$,$,#7,(#11));",
        f"#13=IFCCARTESIANPOINT({point((10, 20, 5))});",
        "#14=IFCAXIS2PLACEMENT3D(#13,$,$);",
        "#15=IFCLOCALPLACEMENT($,#14);",
        f"#16=IFCCARTESIANPOINT({point((1, 0.5))});",
        "#17=IFCAXIS2PLACEMENT2D(#16,$);",
        f"#18=IFCRECTANGLEPROFILEDEF(.AREA.,$,#17,{2 / k:.9f},{1 / k:.9f});",
        "#19=IFCDIRECTION((0.,0.,1.));",
        "#20=IFCCARTESIANPOINT((0.,0.,0.));",
        "#21=IFCAXIS2PLACEMENT3D(#20,$,$);",
        f"#22=IFCEXTRUDEDAREASOLID(#18,#21,#19,{3 / k:.9f});",
        "#23=IFCSHAPEREPRESENTATION(#6,'Body','SweptSolid',(#22));",
        "#24=IFCPRODUCTDEFINITIONSHAPE($,$,(#23));",
        "#25=IFCBUILDINGELEMENTPROXY('0000000000000000000025',$,'B',$,$,#15,#24,$,$);",
        "#26=IFCRELCONTAINEDINSPATIALSTRUCTURE('0000000000000000000026',$,$,$,(#25),#11);",
        "#70=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);",
        "#71=IFCDIMENSIONALEXPONENTS(1,0,0,0,0,0,0);",
        "#72=IFCMEASUREWITHUNIT(IFCLENGTHMEASURE(0.3048),#70);",
        *extra,
        "ENDSEC;",
        "END-ISO-10303-21;",
        "",
    ]
    return "\n".join(lines)


def deliver(tmp_path: Path, text: str, **options: Any) -> Delivery:
    path = tmp_path / "block.ifc"
    path.write_text(text)
    return IfcReader().read((path,), ReadOptions(**options))


def refusal(tmp_path: Path, text: str, **options: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        deliver(tmp_path, text, **options)
    return caught.value


def corner(delivery: Delivery, x: float = 0, y: float = 0, z: float = 0) -> np.ndarray[Any, Any]:
    """The block's vertex at x, y, z of its own lower corner, in the delivery's CRS."""
    table = delivery.tables["bim_element"].set_index("ifc_class")
    key, placement = table.loc["IfcBuildingElementProxy", ["mesh", "placement"]]
    mesh = delivery.meshes[str(key)]
    at = np.argmin(np.linalg.norm(mesh.positions - (x, y, z), axis=1))
    assert np.allclose(mesh.positions[at], (x, y, z), atol=1e-9), "meshes are in metres"
    point = np.asarray(placement).reshape(4, 4) @ (*mesh.positions[at], 1.0)
    return np.asarray(point[:3], dtype=np.float64)


def conversion(e: float = E0, n: float = N0, h: float = H0, rest: str = "1.,0.,$") -> str:
    return f"#41=IFCMAPCONVERSION(#6,#40,{e:.6f},{n:.6f},{h:.6f},{rest});"


@pytest.mark.parametrize("schema", ["IFC4", "IFC4X3_ADD2"])
@pytest.mark.parametrize("unit", [METRE, MILLI, FOOT], ids=["m", "mm", "ft"])
def test_map_conversion_with_scale_between_project_and_map_units(
    tmp_path: Path, schema: str, unit: tuple[str, float]
) -> None:
    text = step(
        CRS_4549.format(unit="#70"),
        conversion(rest=f"0.8,0.6,{unit[1]}"),
        schema=schema,
        unit=unit,
    )
    delivery = deliver(tmp_path, text)
    assert delivery.passport.horizontal == "EPSG:4549"
    assert delivery.passport.vertical == "1985"
    assert delivery.passport.method == "IfcMapConversion"
    expected = E0 + 0.8 * 12 - 0.6 * 21, N0 + 0.6 * 12 + 0.8 * 21, H0 + 8
    assert corner(delivery, 2, 1, 3) == pytest.approx(expected, abs=1e-6)
    assert not delivery.findings


def test_a_map_unit_that_is_not_stated_is_the_projects(tmp_path: Path) -> None:
    text = step(CRS_4549.format(unit="$"), conversion(E0 * 1e3, N0 * 1e3, H0 * 1e3), unit=MILLI)
    delivery = deliver(tmp_path, text)
    assert corner(delivery) == pytest.approx((E0 + 10, N0 + 20, H0 + 5), abs=1e-6)
    assert not delivery.findings


@pytest.mark.parametrize(("map_unit", "scale"), [("#70", "$"), ("#70", "1."), ("$", "$")])
def test_exporters_that_forget_scale_or_map_unit_are_understood_with_a_warning(
    tmp_path: Path, map_unit: str, scale: str
) -> None:
    text = step(CRS_4549.format(unit=map_unit), conversion(rest=f"1.,0.,{scale}"), unit=MILLI)
    delivery = deliver(tmp_path, text)
    assert corner(delivery) == pytest.approx((E0 + 10, N0 + 20, H0 + 5), abs=1e-6)
    assert "IFC-05" in {f.code for f in delivery.findings}
    assert {f.severity for f in delivery.findings} == {Severity.WARNING}


def test_a_scale_that_fits_no_units_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, step(CRS_4549.format(unit="#70"), conversion(rest="1.,0.,0.3048")))
    assert error.findings[0].code == "IFC-04"
    assert "0.3048" in error.en
    assert "0.3048" in error.zh


def test_a_combined_scale_factor_is_applied(tmp_path: Path) -> None:
    text = step(CRS_4549.format(unit="#70"), conversion(rest="1.,0.,1.00017"))
    expected = E0 + 10 * 1.00017, N0 + 20 * 1.00017, H0 + 5 * 1.00017
    assert corner(deliver(tmp_path, text)) == pytest.approx(expected, abs=1e-6)


def test_scaled_conversion_and_rigid_operation_of_ifc_4x3(tmp_path: Path) -> None:
    crs = CRS_4549.format(unit="#70")
    scaled = f"#41=IFCMAPCONVERSIONSCALED(#6,#40,{E0},{N0},{H0},1.,0.,1.,1.001,1.002,1.);"
    delivery = deliver(tmp_path, step(crs, scaled, schema="IFC4X3_ADD2"))
    assert corner(delivery) == pytest.approx((E0 + 10.01, N0 + 20.04, H0 + 5), abs=1e-6)
    rigid = f"#41=IFCRIGIDOPERATION(#6,#40,IFCLENGTHMEASURE({E0}),IFCLENGTHMEASURE({N0}),{H0});"
    delivery = deliver(tmp_path, step(crs, rigid, schema="IFC4X3_ADD2"))
    assert corner(delivery) == pytest.approx((E0 + 10, N0 + 20, H0 + 5), abs=1e-6)


def test_a_rigid_operation_with_angles_is_refused(tmp_path: Path) -> None:
    text = step(
        "#40=IFCGEOGRAPHICCRS('EPSG:4490',$,$,$,$,$);",
        "#41=IFCRIGIDOPERATION(#6,#40,IFCPLANEANGLEMEASURE(31.),IFCPLANEANGLEMEASURE(121.),0.);",
        schema="IFC4X3_ADD2",
    )
    assert refusal(tmp_path, text, vertical="1985").findings[0].code == "IFC-04"


def test_well_known_text_wins_over_the_name(tmp_path: Path) -> None:
    wkt = pyproj.CRS("EPSG:4549").to_wkt().replace("'", "''")
    text = step(
        "#40=IFCPROJECTEDCRS('our grid',$,$,'1985',$,$,#70);",
        f"#42=IFCWELLKNOWNTEXT('{wkt}',#40);",
        conversion(),
        schema="IFC4X3_ADD2",
    )
    horizontal = deliver(tmp_path, text).passport.horizontal
    assert pyproj.CRS(horizontal).equals("EPSG:4549", ignore_axis_order=True)


def test_ifc_2x3_is_placed_by_property_sets(tmp_path: Path) -> None:
    values = {"Eastings": E0, "Northings": N0, "OrthogonalHeight": H0, "Scale": 0.001}
    text = step(
        *[
            f"#{50 + i}=IFCPROPERTYSINGLEVALUE('{name}',$,IFCREAL({value}),$);"
            for i, (name, value) in enumerate(values.items())
        ],
        "#60=IFCPROPERTYSET('0000000000000000000060',$,'ePset_MapConversion',$,(#50,#51,#52,#53));",
        "#61=IFCRELDEFINESBYPROPERTIES('0000000000000000000061',$,$,$,(#11),#60);",
        "#62=IFCPROPERTYSINGLEVALUE('Name',$,IFCLABEL('EPSG:4549'),$);",
        "#63=IFCPROPERTYSINGLEVALUE('VerticalDatum',$,IFCLABEL('1985'),$);",
        "#64=IFCPROPERTYSINGLEVALUE('MapUnit',$,IFCLABEL('METRE'),$);",
        "#65=IFCPROPERTYSET('0000000000000000000065',$,'ePSet_ProjectedCRS',$,(#62,#63,#64));",
        "#66=IFCRELDEFINESBYPROPERTIES('0000000000000000000066',$,$,$,(#11),#65);",
        schema="IFC2X3",
        unit=MILLI,
    )
    delivery = deliver(tmp_path, text)
    assert (delivery.passport.horizontal, delivery.passport.vertical) == ("EPSG:4549", "1985")
    assert corner(delivery) == pytest.approx((E0 + 10, N0 + 20, H0 + 5), abs=1e-6)


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4X3_ADD2"])
def test_a_site_with_latitude_and_longitude_and_a_turned_north(tmp_path: Path, schema: str) -> None:
    """Distance and bearing from the reference point, judged by geodesics."""
    text = step(
        schema=schema,
        unit=MILLI,
        site="(30,59,12,840000),(121,13,35,40000),4500.",
        site_at=(3, 2, 1),
        north="IFCDIRECTION((0.6,0.8))",
    )
    delivery = deliver(tmp_path, text, vertical="1985")
    passport = delivery.passport
    assert passport.horizontal is not None
    east, north, height = corner(delivery)
    assert height == pytest.approx(4.5 + 5 - 1, abs=1e-9)
    to_lonlat = pyproj.Transformer.from_crs(passport.horizontal, "EPSG:4490", always_xy=True)
    lon, lat = to_lonlat.transform(east, north)
    site_lon, site_lat = 121 + 13 / 60 + 35.04 / 3600, 30 + 59 / 60 + 12.84 / 3600
    azimuth, _, distance = pyproj.Geod(ellps="GRS80").inv(site_lon, site_lat, lon, lat)
    assert distance == pytest.approx(np.hypot(7, 18), abs=1e-4)
    # Project bearing of (7, 18) from the site, less the bearing of true north (0.6, 0.8).
    expected = np.degrees(np.arctan2(7, 18) - np.arctan2(0.6, 0.8))
    assert azimuth == pytest.approx(expected, abs=1e-3)
    # and the storage CRS takes it up, exactly
    storage = to_storage([east], [north], [height], passport.horizontal, "1985")
    direct = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)
    assert np.ravel(storage)[:2] == pytest.approx(direct.transform(lon, lat), abs=1e-4)


def test_a_site_without_elevation_keeps_heights_as_modelled_and_says_so(tmp_path: Path) -> None:
    text = step(site="(30,59,12),(121,13,35),$", site_at=(0, 0, 2))
    delivery = deliver(tmp_path, text, vertical="1985")
    assert corner(delivery)[2] == pytest.approx(5)
    found = [(f.code, f.severity) for f in delivery.findings]
    assert found == [("IFC-05", Severity.INFO), ("IFC-05", Severity.WARNING)]


def test_zero_latitude_and_longitude_are_none(tmp_path: Path) -> None:
    error = refusal(tmp_path, step(site="(0,0,0),(0,0,0),0."), vertical="1985")
    assert error.findings[0].code == "MET-01"


def test_the_map_conversion_wins_over_a_site_far_from_it_with_a_warning(tmp_path: Path) -> None:
    extra = CRS_4549.format(unit="#70"), conversion()
    far = deliver(tmp_path, step(*extra, site="(42,21,31),(-71,-3,-24),0."))
    assert [f.code for f in far.findings] == ["IFC-05"]
    assert corner(far)[0] == pytest.approx(E0 + 10)
    near = deliver(tmp_path, step(*extra, site="(30,59,24),(121,13,48),0."))
    assert not near.findings


def test_a_world_coordinate_system_is_taken_off_before_the_conversion(tmp_path: Path) -> None:
    text = step(CRS_4549.format(unit="#70"), conversion(), wcs=(10, 20, 5))
    assert corner(deliver(tmp_path, text)) == pytest.approx((E0, N0, H0), abs=1e-6)


def test_a_crs_in_feet_keeps_its_unit_and_heights_stay_metres(tmp_path: Path) -> None:
    text = step(
        "#40=IFCPROJECTEDCRS('EPSG:2263',$,$,'egm96',$,$,$);",
        conversion(980000.0, 200000.0, 10.0, rest="1.,0.,$"),
        unit=FOOT,
    )
    foot = 1200 / 3937
    east, north, height = corner(deliver(tmp_path, text))
    assert east == pytest.approx((980000 * 0.3048 + 10) / foot, abs=1e-4)
    assert north == pytest.approx((200000 * 0.3048 + 20) / foot, abs=1e-4)
    assert height == pytest.approx(10 * 0.3048 + 5, abs=1e-6)


def test_coordinates_of_the_declared_crs_need_no_conversion(tmp_path: Path) -> None:
    """As road and pipe designers deliver: the placement holds real eastings and northings."""
    moved = step().replace(
        "#13=IFCCARTESIANPOINT((10.000000000,20.000000000,5.000000000))",
        f"#13=IFCCARTESIANPOINT(({E0},{N0},{H0}))",
    )
    delivery = deliver(tmp_path, moved, horizontal="EPSG:4549", vertical="1985")
    assert corner(delivery) == pytest.approx((E0, N0, H0), abs=1e-6)
    assert [(f.code, f.severity) for f in delivery.findings] == [("IFC-05", Severity.INFO)]
    turned = moved.replace(f"{E0},{N0}", f"{N0},{E0}")
    error = refusal(tmp_path, turned, horizontal="EPSG:4549", vertical="1985")
    assert error.findings[0].code == "CRS-02"


def test_near_the_origin_the_site_holds_although_a_crs_is_declared(tmp_path: Path) -> None:
    text = step(site="(30,59,12),(121,13,35),4.")
    delivery = deliver(tmp_path, text, horizontal="EPSG:4549", vertical="1985")
    assert delivery.passport.method == "IfcSite"
    found = [(f.code, f.severity) for f in delivery.findings]
    assert found == [("IFC-05", Severity.INFO), ("IFC-05", Severity.WARNING)]
    box = delivery.tables["bim_element"].set_index("ifc_class").geom["IfcBuildingElementProxy"]
    assert box.bounds == pytest.approx((10, 20, 12, 21), abs=1e-6)


@pytest.mark.parametrize("horizontal", [None, "EPSG:4549"])
def test_a_model_that_stands_nowhere_is_refused(tmp_path: Path, horizontal: str | None) -> None:
    error = refusal(tmp_path, step(), horizontal=horizontal, vertical="1985")
    assert error.findings[0].code == "MET-01"
    assert "IfcMapConversion" in error.en
    assert "IfcMapConversion" in error.zh


@pytest.mark.parametrize(
    ("written", "declared", "words"),
    [
        ("$", None, "No vertical datum"),
        ("'AHD'", None, "AHD"),
        ("'EPSG:5711'", "1985", "EPSG:5711"),
        ("'EPSG:5737'", "egm96", "egm96"),
        ("'Wusong'", None, "Wusong"),
        ("'Wusong'", "1985", "Wusong"),
        ("$", "sea level", "sea level"),
    ],
)
def test_vertical_datums_that_are_missing_unknown_or_contradicted_are_refused(
    tmp_path: Path, written: str, declared: str | None, words: str
) -> None:
    text = step(f"#40=IFCPROJECTEDCRS('EPSG:4549',$,$,{written},$,$,#70);", conversion())
    error = refusal(tmp_path, text, vertical=declared)
    assert error.findings[0].code == "MET-01"
    assert words in error.en


@pytest.mark.parametrize(
    ("name", "written", "declared", "found"),
    [
        ("EPSG:4549", "'1985国家高程基准'", None, "1985"),
        ("EPSG:4549", "'EPSG:5773 (EGM96)'", None, "egm96"),
        ("EPSG:4549", "$", "1956", "1956"),
        ("EPSG:4549", "'EPSG:5737'", "1985", "1985"),
        ("EPSG:4549", "'Wusong'", "wusong:1.72", "wusong:1.72"),
        ("EPSG:4549+5737", "$", None, "1985"),
        ("EPSG:4549 + EPSG:5737 (Shanghai)", "$", None, "1985"),
    ],
)
def test_vertical_datum_words(
    tmp_path: Path, name: str, written: str, declared: str | None, found: str
) -> None:
    encoded = written.replace("国家高程基准", "\\X2\\56FD5BB69AD87A0B57FA51C6\\X0\\")
    text = step(f"#40=IFCPROJECTEDCRS('{name}',$,$,{encoded},$,$,#70);", conversion())
    passport = deliver(tmp_path, text, vertical=declared).passport
    assert (passport.horizontal, passport.vertical) == ("EPSG:4549", found)


def test_an_unknown_vertical_word_gives_way_to_the_declared_datum_with_a_warning(
    tmp_path: Path,
) -> None:
    text = step("#40=IFCPROJECTEDCRS('EPSG:4549',$,$,'mean sea',$,$,#70);", conversion())
    delivery = deliver(tmp_path, text, vertical="1985")
    assert [(f.code, f.severity) for f in delivery.findings] == [("MET-01", Severity.WARNING)]


def test_crs_names_that_are_unknown_or_contradicted(tmp_path: Path) -> None:
    unknown = step("#40=IFCPROJECTEDCRS('our grid',$,$,'1985',$,$,#70);", conversion())
    assert "our grid" in refusal(tmp_path, unknown).en
    delivery = deliver(tmp_path, unknown, horizontal="EPSG:4549")
    assert delivery.passport.horizontal == "EPSG:4549"
    assert [f.code for f in delivery.findings] == ["MET-01"]
    other = step(CRS_4549.format(unit="#70"), conversion())
    error = refusal(tmp_path, other, horizontal="EPSG:4550")
    assert error.findings[0].found == "EPSG:4549"
    assert error.findings[0].expected == "EPSG:4550"
    geographic = step("#40=IFCPROJECTEDCRS('EPSG:4490',$,$,'1985',$,$,#70);", conversion())
    assert refusal(tmp_path, geographic).findings[0].code == "MET-01"


def test_swapped_eastings_and_northings_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, step(CRS_4549.format(unit="#70"), conversion(N0, E0)))
    assert error.findings[0].code == "CRS-02"


def test_contexts_with_different_conversions_are_refused(tmp_path: Path) -> None:
    again = "#44=IFCMAPCONVERSION(#43,#40,1.,2.,3.,1.,0.,$);"
    context = "#43=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-6,#2,#5);"
    crs = CRS_4549.format(unit="#70")
    error = refusal(tmp_path, step(crs, conversion(), context, again))
    assert error.findings[0].code == "IFC-04"
    same = conversion().replace("#41", "#44").replace("#6,", "#43,")
    assert not deliver(tmp_path, step(crs, conversion(), context, same)).findings
