"""LAS and LAZ in pieces: the same points as laspy reads whole; broken files are told."""

from __future__ import annotations

from pathlib import Path

import laspy
import numpy as np
import pytest

from models.las import LasError, LasFile, Points
from models.las_testing import full, scattered, write_cloud

SHARED = Path(__file__).resolve().parents[3] / "shared" / "samples" / "pointcloud"


def whole(file: LasFile, limit: int = 30_000) -> list[Points]:
    return [file.read(piece) for piece in file.pieces(limit)]


def agrees(path: Path, limit: int) -> int:
    """Pieces of ``path``, all of whose points are those that laspy reads."""
    file = LasFile(path)
    found, wanted = whole(file, limit), laspy.read(path)
    xyz = np.concatenate([points.xyz for points in found])
    np.testing.assert_array_equal(xyz, np.column_stack([wanted.x, wanted.y, wanted.z]))
    names = {"classification": "classification", "intensity": "intensity"}
    for ours, theirs in {**names, "returns": "return_number", "withheld": "withheld"}.items():
        values = np.concatenate([getattr(points, ours) for points in found])
        np.testing.assert_array_equal(values, np.asarray(wanted[theirs]))
    if file.has_time:
        times = np.concatenate([p.time for p in found if p.time is not None])
        np.testing.assert_array_equal(times, wanted.gps_time)
    if file.has_colour:
        rgb = np.concatenate([p.rgb for p in found if p.rgb is not None])
        np.testing.assert_array_equal(rgb, np.column_stack([wanted.red, wanted.green, wanted.blue]))
    assert file.count == len(xyz)
    return len(found)


@pytest.mark.parametrize("suffix", ["las", "laz"])
@pytest.mark.parametrize(
    ("version", "point_format"), [("1.2", 0), ("1.2", 3), ("1.4", 6), ("1.4", 7)]
)
def test_pieces_are_the_file(tmp_path: Path, suffix: str, version: str, point_format: int) -> None:
    withheld = np.arange(60_000) % 7 == 0
    path = write_cloud(
        tmp_path / f"a.{suffix}", scattered(60_000), point_format=point_format, version=version,
        intensity=np.arange(60_000), withheld=withheld, classification=np.arange(60_000) % 31,
    )  # fmt: skip
    assert agrees(path, 30_000) == 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("lone-star.copc.laz", 14),
        ("autzen_trim.laz", 3),
        ("1.2-with-color.las", 1),
        ("simple.laz", 1),
    ],
)
def test_files_of_others(name: str, pieces: int) -> None:
    assert agrees(SHARED / name, 40_000) == pieces


def test_the_crs_is_what_the_file_states(tmp_path: Path) -> None:
    xyz = scattered(3)
    assert LasFile(write_cloud(tmp_path / "a.las", xyz)).crs() is None
    assert LasFile(write_cloud(tmp_path / "b.las", xyz, crs='PROJCS["x"]')).crs() == 'PROJCS["x"]'
    assert LasFile(write_cloud(tmp_path / "c.las", xyz, crs="")).crs() is None


@pytest.mark.parametrize(
    ("keys", "crs"),
    [
        ({3072: 4549, 4096: 5737}, "EPSG:4549+5737"),
        ({3072: 4549, 4096: 32767}, "EPSG:4549"),
        ({2048: 4490}, "EPSG:4490"),
        ({3072: 32767, 2048: 4490}, None),  # a projection by parameters is none that we know
        ({1024: 1}, None),
    ],
)
def test_geotiff_keys(tmp_path: Path, keys: dict[int, int], crs: str | None) -> None:
    header = laspy.LasHeader(version="1.2", point_format=0)
    numbers = [1, 1, 0, len(keys), *(v for k, c in keys.items() for v in (k, 0, 1, c))]
    record = laspy.vlrs.known.GeoKeyDirectoryVlr()
    record.parse_record_data(np.array(numbers, "<u2").tobytes())
    header.vlrs.append(record)
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = scattered(3).T
    cloud.write(tmp_path / "a.las")
    assert LasFile(tmp_path / "a.las").crs() == crs


@pytest.mark.parametrize("suffix", ["las", "laz"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = write_cloud(tmp_path / f"a.{suffix}", scattered(20_000), **full(20_000))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(LasError) as told:
        whole(LasFile(path))
    assert "half-written" in told.value.en
    assert "未写完" in told.value.zh


def test_a_writer_that_was_killed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.laz"
    header = laspy.LasHeader(version="1.4", point_format=7)
    points = laspy.ScaleAwarePointRecord.zeros(60_000, header=header)
    with laspy.open(path, "w", header=header) as writer:
        writer.write_points(points)
        writer.dest.flush()
        left = path.read_bytes()
    path.write_bytes(left)
    # its header still says that there are no points, its table of chunks is missing
    assert LasFile(path).count == 0
    data = bytearray(left)
    data[247:255] = (60_000).to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(LasError, match="half-written"):
        LasFile(path)


@pytest.mark.parametrize(("at", "value"), [(94, 255), (99, 255), (103, 127), (100, 0), (104, 9)])
def test_a_header_that_cannot_be_true_is_refused(tmp_path: Path, at: int, value: int) -> None:
    path = write_cloud(tmp_path / "a.laz", scattered(500), crs='PROJCS["x"]', **full(500))
    data = bytearray(path.read_bytes())
    data[at] = value
    path.write_bytes(data)
    with pytest.raises(LasError):
        whole(LasFile(path))
