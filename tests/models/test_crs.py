"""Reference numbers, round trips and refusals of the one place that decides datums."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from pyproj.exceptions import ProjError

from models.crs import (
    STORAGE,
    StorageCrs,
    VerticalDatum,
    VerticalKind,
    ecef_to_geodetic,
    enu_frame,
    geodetic_to_ecef,
    geoid_height,
    inside_area,
    jacobian,
    looks_swapped,
    same_horizontal,
    split_crs,
    storage_to_ecef,
    storage_to_geodetic,
    to_storage,
)
from models.errors import DatumError, OutsideAreaError
from models.vertical import find_grid, geoid_grid

HUB = (617486.771, 3430515.006)  # 121.23 E 30.99 N in EPSG:4549
EASTS = st.floats(420_000, 640_000)
NORTHS = st.floats(2_800_000, 5_000_000)
HEIGHTS = st.floats(-200, 700)


# --- the ballpark trap -----------------------------------------------------------------------


def test_proj_alone_keeps_heights_silently_and_we_do_not() -> None:
    silent = Transformer.from_crs("EPSG:4549+5737", "EPSG:4979", always_xy=True)
    assert silent.transform(*HUB, 4.0)[2] == 4.0  # ten metres wrong: the reason for this module
    with pytest.raises(ProjError):
        Transformer.from_crs("EPSG:4549+5737", "EPSG:4979", allow_ballpark=False).transform(1, 2, 3)
    lon, lat, h = storage_to_geodetic(*HUB, 4.0)
    assert h[0] == pytest.approx(14.321, abs=0.01)
    assert (lon[0], lat[0]) == pytest.approx((121.23, 30.99), abs=1e-8)


@pytest.mark.parametrize(
    ("lon", "lat", "n"),
    [(121.23, 30.99, 10.321), (121.30, 31.17, 10.510)],
)
def test_geoid_heights_of_the_twins(lon: float, lat: float, n: float) -> None:
    assert geoid_height(np.array([lon]), np.array([lat]))[0] == pytest.approx(n, abs=0.005)


@pytest.mark.parametrize(
    "crs",
    [
        "EPSG:4214",  # Beijing 1954: PROJ's only operations here are 15 m, and elsewhere
        "EPSG:2437",
        "EPSG:4610",  # Xian 1980: none
        "EPSG:4301",  # Tokyo
        "+proj=tmerc +lon_0=120 +x_0=500000 +ellps=GRS80",  # no datum at all
    ],
)
def test_a_datum_without_a_safe_operation_is_refused(crs: str) -> None:
    x, y = (121.23, 30.99) if crs in {"EPSG:4214", "EPSG:4610", "EPSG:4301"} else HUB
    with pytest.raises(DatumError, match="no known operation") as caught:
        to_storage(x, y, 4.0, crs, "1985")
    assert "CGCS2000" in caught.value.zh


def test_a_declared_datum_shift_is_used() -> None:
    crs = "+proj=tmerc +lon_0=120 +x_0=500000 +ellps=krass +towgs84=15.8,-154.4,-82.3 +type=crs"
    e, n, _ = to_storage(*HUB, None, crs, "1985")
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*HUB)
    expected = to_storage(lon, lat, None, "EPSG:4326", "1985")
    assert (e[0], n[0]) == pytest.approx((expected[0][0], expected[1][0]), abs=1e-6)
    assert math.hypot(e[0] - HUB[0], n[0] - HUB[1]) > 10


def test_a_registered_operation_is_used_only_where_it_is_valid() -> None:
    # Beijing 1954 to WGS 84 (6): 1 m, Ordos basin 107-110.01 E, 35-39 N.
    ordos = StorageCrs(4545)  # 3-degree, CM 108 E
    e, n, _ = to_storage(108.5, 37.0, None, "EPSG:4214", "1985", ordos)
    flat = to_storage(108.5, 37.0, None, "EPSG:4490", "1985", ordos)
    assert 10 < math.hypot(e[0] - flat[0][0], n[0] - flat[1][0]) < 300
    with pytest.raises(DatumError):
        to_storage([108.5, 110.5], [37.0, 37.0], None, "EPSG:4214", "1985", ordos)


# --- horizontal ------------------------------------------------------------------------------


def test_projection_of_a_known_point() -> None:
    e, n, h = to_storage(121.23, 30.99, 4.0, "EPSG:4490", "1985")
    assert (e[0], n[0], h[0]) == pytest.approx((*HUB, 4.0), abs=1e-3)


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4326", "OGC:CRS84", "EPSG:4480", "EPSG:4979"])
def test_axis_order_is_ours_whatever_the_registry_says(crs: str) -> None:
    for x, y, axis in ((121.23, 30.99, "en"), (30.99, 121.23, "ne")):
        e, n, _ = to_storage(x, y, None, crs, "1985", axis=axis)  # type: ignore[arg-type]
        assert (e[0], n[0]) == pytest.approx(HUB, abs=1e-3)


def test_the_storage_crs_itself_passes_unchanged_and_survey_x_is_northing() -> None:
    e, n, h = to_storage([HUB[1]], [HUB[0]], [4.25], "EPSG:4549", "1985国家高程基准", axis="ne")
    assert (e[0], n[0], h[0]) == (*HUB, 4.25)


def test_eight_digit_eastings_with_zone_prefix() -> None:
    e, n, _ = to_storage(40_617_486.771, HUB[1], None, "EPSG:4528", "1985")
    assert (e[0], n[0]) == pytest.approx(HUB, abs=1e-6)


def test_the_neighbouring_zone_and_utm_meet_in_storage() -> None:
    for crs in ("EPSG:4550", "EPSG:4510", "EPSG:32651", "EPSG:3857"):
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(121.45, 31.2)
        direct = to_storage(121.45, 31.2, None, "EPSG:4490", "1985")
        e, n, _ = to_storage(x, y, None, crs, "1985")
        assert (e[0], n[0]) == pytest.approx((direct[0][0], direct[1][0]), abs=2e-3)


def test_an_esri_prj_is_understood() -> None:
    prj = (
        'PROJCS["CGCS2000_3_Degree_GK_CM_120E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",'
        'DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],'
        'PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
        'PARAMETER["Central_Meridian",120.0],PARAMETER["Scale_Factor",1.0],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    e, n, _ = to_storage(*HUB, None, prj, "1985")
    assert (e[0], n[0]) == pytest.approx(HUB, abs=1e-6)
    assert same_horizontal(prj, "EPSG:4549")
    assert not same_horizontal(prj, "EPSG:4550")


def test_same_horizontal_looks_through_axis_order_but_not_datums() -> None:
    assert same_horizontal("OGC:CRS84", "EPSG:4326")
    assert same_horizontal("EPSG:4979", "EPSG:4326")
    assert not same_horizontal("EPSG:4490", "EPSG:4326")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("EPSG:4549+5737", ("EPSG:4549", "1985")),
        ("EPSG:4979", ("EPSG:4326", "ellipsoidal")),
        ("EPSG:4549", ("EPSG:4549", None)),
        ("EPSG:9707", ("EPSG:4326", "egm96")),
        ("EPSG:6697", ("EPSG:6668", "JGD2011 (vertical) height")),
    ],
)
def test_three_dimensional_crs_are_split(text: str, parts: tuple[str, str | None]) -> None:
    assert split_crs(text) == parts


@pytest.mark.parametrize("crs", ["", "banana", "EPSG:4978", "EPSG:5737", "EPSG:27572"])
def test_what_is_not_a_horizontal_crs_is_refused(crs: str) -> None:
    with pytest.raises(DatumError):
        to_storage(*HUB, 4.0, crs, "1985")


def test_storage_must_be_projected_metres_on_a_gnss_datum() -> None:
    assert StorageCrs(32651).horizontal == "EPSG:32651"
    for srid in (4326, 2437, 2225, 1):
        with pytest.raises(DatumError):
            StorageCrs(srid)


@given(EASTS, NORTHS, HEIGHTS)
def test_storage_round_trips(e: float, n: float, h: float) -> None:
    lon, lat, up = storage_to_geodetic(e, n, h, n_offset=0.31)
    back = to_storage(lon, lat, up, "EPSG:4480", "ellipsoidal", n_offset=0.31)
    assert np.ravel(back) == pytest.approx([e, n, h], abs=1e-6)
    xyz = storage_to_ecef(e, n, h, n_offset=0.31)
    assert np.ravel(ecef_to_geodetic(xyz)) == pytest.approx([lon[0], lat[0], up[0]], abs=1e-6)


@given(EASTS, NORTHS)
def test_zones_round_trip(e: float, n: float) -> None:
    lon, lat, _ = storage_to_geodetic(e, n, 0.0)
    for srid in (4550, 32651, 4528):
        other = StorageCrs(srid)
        if not inside_area(lon, lat, "EPSG:4490", other)[0]:
            continue
        x, y, _ = to_storage(lon, lat, None, "EPSG:4490", "1985", other)
        back = to_storage(x, y, None, other.horizontal, "1985")
        assert (back[0][0], back[1][0]) == pytest.approx((e, n), abs=1e-5)


# --- areas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "crs"), [(HUB[1], HUB[0], "EPSG:4549"), (30.99, 121.23, "OGC:CRS84")]
)
def test_swapped_coordinates_are_named_as_such(x: float, y: float, crs: str) -> None:
    assert looks_swapped([x], [y], crs)
    assert not looks_swapped([y], [x], crs)
    assert not looks_swapped([x], [y], crs, axis="ne")
    with pytest.raises(OutsideAreaError, match="swapped") as caught:
        to_storage(x, y, 0.0, crs, "1985")
    assert "颠倒" in caught.value.zh


def test_points_outside_are_named_and_can_be_asked_for() -> None:
    x, y = [HUB[0], 139.6, float("nan")], [HUB[1], 35.4, HUB[1]]
    assert inside_area(x, y, "EPSG:4549").tolist() == [True, False, False]
    with pytest.raises(OutsideAreaError, match="point 2 at"):
        to_storage(x, y, None, "EPSG:4549", "1985")
    with pytest.raises(OutsideAreaError):
        storage_to_ecef(1e30, 1e30, 0.0)


# --- vertical --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("1985", VerticalKind.H1985),
        ("1985国家高程基准", VerticalKind.H1985),
        ("EPSG:5737", VerticalKind.H1985),
        ("epsg:5736", VerticalKind.H1956),
        ("1956", VerticalKind.H1956),
        ("EGM96", VerticalKind.EGM96),
        ("ellipsoidal", VerticalKind.ELLIPSOIDAL),
        ("wusong:1.6587", VerticalKind.WUSONG),
        ("吴淞：1.717", VerticalKind.WUSONG),
    ],
)
def test_vertical_words(word: str, kind: VerticalKind) -> None:
    datum = VerticalDatum.parse(word)
    assert datum.kind is kind
    assert VerticalDatum.parse(datum.word) == datum


@pytest.mark.parametrize("word", [None, "", "sea level", "wusong", "吴淞", "wusong:", "2020"])
def test_vertical_datums_that_are_not_said_are_refused(word: str | None) -> None:
    with pytest.raises(DatumError) as caught:
        VerticalDatum.parse(word)
    assert caught.value.code == "MET-01"


@pytest.mark.parametrize(
    ("vertical", "z", "h85"),
    [
        ("1985", 4.0, 4.0),
        ("1956", 4.029, 4.0),
        ("wusong:1.6587", 5.6587, 4.0),
        ("egm96", 4.3, 4.0),
        ("ellipsoidal", 14.621, 4.0),
    ],
)
def test_heights_become_1985(vertical: str, z: float, h85: float) -> None:
    _, _, h = to_storage(*HUB, z, "EPSG:4549", vertical, n_offset=0.3)
    assert h[0] == pytest.approx(h85, abs=1e-3)


def test_unknown_heights_stay_unknown() -> None:
    for z in (None, float("nan")):
        assert math.isnan(to_storage(*HUB, z, "EPSG:4549", "ellipsoidal")[2][0])


def test_a_missing_grid_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(DatumError, match="apt-get install proj-data"):
        find_grid([tmp_path])
    (tmp_path / "egm96_15.gtx").write_bytes(b"half")
    with pytest.raises(DatumError, match="not whole"):
        find_grid([tmp_path])


def test_a_grid_in_a_folder_with_spaces_named_by_proj_data(tmp_path: Path) -> None:
    folder = tmp_path / "geoid 格网"
    folder.mkdir()
    shutil.copy(geoid_grid(), folder)
    code = (
        "from models.crs import storage_to_geodetic; from models.vertical import geoid_grid;"
        "print(geoid_grid().parent.name, round(storage_to_geodetic(617486.771, 3430515.006, 4.0)"
        "[2][0], 3))"
    )
    answer = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={**os.environ, "PROJ_DATA": str(folder)},
        capture_output=True,
        encoding="utf-8",
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert answer.stdout.strip() == "geoid 格网 14.321"


# --- geocentric ------------------------------------------------------------------------------


def test_geocentric_by_the_closed_formula() -> None:
    a, f = 6378137.0, 1 / 298.257222101
    e2 = f * (2 - f)
    lon, lat, h = math.radians(121.23), math.radians(30.99), 14.321
    nu = a / math.sqrt(1 - e2 * math.sin(lat) ** 2)
    expected = [
        (nu + h) * math.cos(lat) * math.cos(lon),
        (nu + h) * math.cos(lat) * math.sin(lon),
        (nu * (1 - e2) + h) * math.sin(lat),
    ]
    assert geodetic_to_ecef(121.23, 30.99, 14.321)[0] == pytest.approx(expected, abs=1e-6)
    assert storage_to_ecef(*HUB, 4.0, STORAGE)[0] == pytest.approx(expected, abs=2e-3)


def test_the_local_frame_is_a_rotation_that_points_up() -> None:
    frame = enu_frame(121.23, 30.99, 14.0)
    assert frame[:3, :3] @ frame[:3, :3].T == pytest.approx(np.eye(3), abs=1e-12)
    higher = frame @ [0, 0, 10, 1]
    assert higher[:3] == pytest.approx(geodetic_to_ecef(121.23, 30.99, 24.0)[0], abs=1e-6)
    north = np.ravel(ecef_to_geodetic((frame @ [0, 1000, 0, 1])[:3]))
    assert north[0] == pytest.approx(121.23, abs=1e-9)
    assert north[1] > 30.99


def test_jacobian_holds_convergence_and_scale() -> None:
    x, y = Transformer.from_crs("EPSG:4490", "EPSG:4550", always_xy=True).transform(121.23, 30.99)
    matrix = jacobian(x, y, "EPSG:4550")[0]
    turn = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
    # Convergence of a meridian is (lon - lon0) sin(lat): 1.77 degrees west of 123 E against
    # 1.23 east of 120 E.
    assert turn == pytest.approx(3.0 * math.sin(math.radians(30.99)), abs=0.01)
    assert jacobian(*HUB, "EPSG:4549")[0] == pytest.approx(np.eye(2), abs=1e-9)
