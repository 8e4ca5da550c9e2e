"""Point clouds: what is taken and what is refused, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
from pyproj import CRS

from ingest.errors import RefusedError
from ingest.readers import las
from ingest.readers.base import ReadOptions
from ingest.readers.las_datums import named
from models.crs import StorageCrs
from models.findings import Severity
from models.las_testing import PLACE, full, scattered, write_cloud
from models.twins import load_twins

SHARED = Path(__file__).resolve().parents[4] / "shared" / "samples" / "pointcloud"
TWIN = load_twins()["songjiang-hub"]
NONE = ReadOptions()
DECLARED = ReadOptions("EPSG:4549", "1985")


def refusal(path: Path, options: ReadOptions = DECLARED, twin: Any = TWIN) -> Any:
    with pytest.raises(RefusedError) as caught:
        las.read(path, options, twin)
    for finding in caught.value.findings:
        assert finding.severity is Severity.ERROR
        assert finding.place.file == path.name
        assert finding.zh.endswith(("。", "）"))
        assert finding.en.endswith(".")
    return caught.value.findings[0]


def test_a_sound_cloud_and_its_passport(tmp_path: Path) -> None:
    xyz, columns = scattered(3000), full(3000)
    path = write_cloud(tmp_path / "a.laz", xyz, **columns)
    found = las.read(path, ReadOptions("EPSG:4549+5737"), TWIN)
    assert (found.refused, found.findings) == (0, ())
    passport = found.passport
    assert (passport.horizontal, passport.vertical, passport.count) == ("EPSG:4549", "1985", 3000)
    np.testing.assert_allclose(passport.box, [*xyz.min(axis=0), *xyz.max(axis=0)], atol=1e-9)
    assert passport.classes == {
        str(code): int((columns["classification"] == code).sum()) for code in (2, 5, 6, 41, 70)
    }
    assert (passport.colour_bits, passport.intensity, passport.returns) == (16, 2999, 3)
    assert passport.times == (3.6e8, 3.6e8 + 2999 / 64)


def test_nothing_is_guessed(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(9))
    assert refusal(path, NONE).code == "MET-01"
    told = refusal(path, ReadOptions("EPSG:4549"))
    assert (told.code, "--vertical" in told.en) == ("MET-01", True)


def test_a_crs_in_the_file_is_not_overruled(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(9), crs=wkt(4550))
    told = refusal(path)
    assert (told.code, told.expected) == ("MET-01", "EPSG:4549")
    path = write_cloud(path, scattered(9), crs=wkt(4549))
    assert las.read(path, DECLARED, TWIN).passport.horizontal == "EPSG:4549"


def test_a_code_counts_only_where_it_means_the_same_places() -> None:
    box = [*PLACE, *PLACE]
    assert named(wkt(4549), box) == "EPSG:4549"
    both = str(CRS("EPSG:4549+5737").to_wkt("WKT2_2019"))
    assert named(both, box) == "EPSG:4549+5737"
    moved = wkt(4549).replace('"central_meridian",120', '"central_meridian",117')
    assert named(moved, box) == moved
    assert named("no CRS", box) == "no CRS"
    assert named(wkt(4549).replace(',AUTHORITY["EPSG","4549"]', ""), box).startswith("PROJCS")


def wkt(code: int) -> str:
    return str(CRS.from_epsg(code).to_wkt("WKT1_GDAL"))


def test_feet_are_refused(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(9))
    told = refusal(path, ReadOptions("EPSG:2229", "egm96"), None)
    assert (told.code, told.expected) == ("PTC-02", "metre")


def test_no_points_and_no_cloud(tmp_path: Path) -> None:
    empty = write_cloud(tmp_path / "a.las", np.empty((0, 3)))
    assert refusal(empty).code == "PTC-01"
    (tmp_path / "b.las").write_bytes(b"not a cloud")
    assert refusal(tmp_path / "b.las").code == "STR-00"
    mine = write_cloud(tmp_path / "without_suffix.las", scattered(3))
    other = mine.rename(tmp_path / "without_suffix")
    assert las.group([tmp_path / "b.las", other, tmp_path / "absent.las"]) == [other]


def test_a_cut_cloud_is_refused(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.laz", scattered(5000), **full(5000))
    path.write_bytes(path.read_bytes()[:-300])
    assert refusal(path).code == "STR-00"


def test_a_byte_that_makes_the_library_abort_ends_only_the_reading_process(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.laz", scattered(500), crs='PROJCS["x"]', **full(500))
    data = bytearray(path.read_bytes())
    data[-7] = 0x40  # in the table of compressed chunks
    path.write_bytes(data)
    told = refusal(path, replace(DECLARED, memory_limit=1 << 30, time_limit=30.0))
    assert told.code == "STR-00"


def test_points_in_impossible_places_are_counted(tmp_path: Path) -> None:
    xyz = scattered(1000)
    xyz[:7, 0] += 40_000.0
    xyz[7:10, 2] = 9_999.0
    path = write_cloud(tmp_path / "a.laz", xyz)
    found = las.read(path, DECLARED, TWIN)
    assert found.refused == 10
    assert [(f.code, f.found) for f in found.findings] == [("PTC-04", "7"), ("PTC-04", "3")]
    assert f"({xyz[0, 0]:.3f}" in found.findings[0].en


def test_a_cloud_of_another_place_is_refused(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(50) + np.array([60_000.0, 0, 0]))
    told = refusal(path)
    assert (told.code, "50 points" in told.en) == ("PTC-03", True)


def test_a_header_that_belies_the_points(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(100))
    data = bytearray(path.read_bytes())
    data[179:187] = np.float64(PLACE[0]).tobytes()  # maximum x, LAS 1.4 R15 table 3
    path.write_bytes(data)
    found = las.read(path, DECLARED, TWIN)
    assert 30 < found.refused < 70
    assert [f.code for f in found.findings] == ["PTC-04"]
    assert found.passport.stray == found.refused
    data[179:187] = np.float64(0).tobytes()
    path.write_bytes(data)
    assert refusal(path).code == "PTC-03"


def test_remarks(tmp_path: Path) -> None:
    path = write_cloud(
        tmp_path / "a.las", scattered(10), withheld=[1] * 4 + [0] * 6,
        red=np.arange(10) * 20,
    )  # fmt: skip
    found = las.read(path, DECLARED, TWIN)
    assert [(f.code, f.severity, f.found) for f in found.findings] == [
        ("PTC-05", Severity.INFO, "4"),
        ("PTC-06", Severity.INFO, "180"),
    ]
    assert (found.refused, found.passport.colour_bits, found.passport.times) == (0, 8, None)


def test_scales_that_are_no_numbers(tmp_path: Path) -> None:
    path = write_cloud(tmp_path / "a.las", scattered(10))
    data = bytearray(path.read_bytes())
    data[131:139] = np.float64(np.nan).tobytes()  # scale of x
    path.write_bytes(data)
    assert refusal(path).code == "STR-00"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize(
    ("name", "options", "srid", "result"),
    [
        ("1.2-with-color.las", ReadOptions("EPSG:32610", "egm96"), 32610, 1065),
        ("autzen_trim.laz", ReadOptions(vertical="egm96"), 32610, "PTC-02"),
        ("epsg_4326.las", ReadOptions(vertical="egm96"), 32615, 5380),
        (
            "lone-star.copc.laz",
            ReadOptions(vertical="egm96"),
            32612,
            "MET-01",
        ),  # geocentric, it says
        ("hextest.las", ReadOptions("EPSG:32610", "egm96"), 32610, "PTC-03"),
    ],
)
def test_clouds_of_others(name: str, options: ReadOptions, srid: int, result: str | int) -> None:
    try:
        found = las.read(SHARED / name, options, None, StorageCrs(srid))
    except RefusedError as error:
        assert error.findings[0].code == result
    else:
        with laspy.open(SHARED / name) as file:
            assert found.passport.count == result == file.header.point_count
