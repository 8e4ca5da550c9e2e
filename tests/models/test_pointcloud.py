"""The point clouds of a twin: where they can be, and how they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.crs import storage_to_ecef, to_storage
from models.las_testing import PLACE, scattered
from models.pointcloud import (
    FAR,
    CloudError,
    CloudPassport,
    Placement,
    clouds,
    drop_cloud,
    folder,
    store_cloud,
)

EXTENT = (121.2054, 30.9689, 121.2474, 31.0049)
HERE = Placement("EPSG:4549", "1985", extent=EXTENT)
BOX = (*PLACE, *np.add(PLACE, 100.0).tolist())


def passport(name: str, sha: str) -> CloudPassport:
    return CloudPassport(name, sha, "EPSG:4549", "1985", 3, BOX, BOX, classes={"2": 3},
                         times=(1.5, 2.5))  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.las"
    path.write_bytes(b"points")
    return path


def test_a_cloud_is_kept_with_its_passport(tmp_path: Path, file: Path) -> None:
    kept = store_cloud(tmp_path, "t", file, passport("a.las", "aa"))
    assert kept.read_bytes() == b"points"
    (cloud,) = clouds(tmp_path, "t")
    assert cloud.path == kept
    assert replace(cloud.passport, box=BOX, stated=BOX, times=(1.5, 2.5)) == passport("a.las", "aa")
    assert clouds(tmp_path, "other") == []


def test_the_same_name_takes_the_old_place_and_others_stay(tmp_path: Path, file: Path) -> None:
    for name, sha in (("a.las", "aa"), ("b.las", "bb"), ("a.las", "cc"), ("a.las", "cc")):
        store_cloud(tmp_path, "t", file, passport(name, sha))
    assert [(c.passport.name, c.passport.sha256) for c in clouds(tmp_path, "t")] == [
        ("a.las", "cc"),
        ("b.las", "bb"),
    ]
    left = sorted(path.name for path in folder(tmp_path, "t").iterdir())
    assert left == ["bb.json", "bb.las", "cc.json", "cc.las"]
    drop_cloud(clouds(tmp_path, "t")[0])
    assert [c.passport.name for c in clouds(tmp_path, "t")] == ["b.las"]


def test_damage_is_told(tmp_path: Path, file: Path) -> None:
    kept = store_cloud(tmp_path, "t", file, passport("a.las", "aa"))
    kept.unlink()
    with pytest.raises(CloudError, match="Ingest it again") as told:
        clouds(tmp_path, "t")
    assert "重新入库" in told.value.zh
    kept.with_suffix(".json").write_text(json.dumps({"name": "a"}))
    with pytest.raises(CloudError):
        clouds(tmp_path, "t")
    kept.write_bytes(b"poi")
    store_cloud(tmp_path, "t", file, passport("a.las", "aa"))
    assert clouds(tmp_path, "t")[0].path.read_bytes() == b"points"


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        store_cloud(tmp_path, "t", tmp_path / "absent.las", passport("a.las", "aa"))
    assert clouds(tmp_path, "t") == []
    assert list(folder(tmp_path, "t").iterdir()) == []


def test_places_are_those_of_the_storage_crs() -> None:
    xyz = scattered(50)
    np.testing.assert_allclose(HERE.ecef(xyz), storage_to_ecef(*xyz.T), atol=1e-6)
    other = Placement("EPSG:4549", "wusong:1.6587", extent=EXTENT)
    up = np.linalg.norm(other.ecef(xyz), axis=1) - np.linalg.norm(HERE.ecef(xyz), axis=1)
    np.testing.assert_allclose(up, -1.6587, atol=1e-3)


def test_impossible_places_are_refused_one_by_one() -> None:
    xyz = scattered(9)
    west = to_storage([EXTENT[0]], [30.98], None, "EPSG:4490", "1985")[0][0]
    xyz[0, 0] = west - FAR - 50
    xyz[1, 0] = west - FAR + 50
    xyz[2, 2] = 9001.0
    xyz[3, 1] = np.nan
    xyz[4] = 0.0
    xyz[5, 2] = np.nan
    elsewhere, height = HERE.refused(xyz)
    assert np.flatnonzero(elsewhere).tolist() == [0, 3, 4, 5]
    assert np.flatnonzero(height).tolist() == [2]
    good = ~(elsewhere | height)
    assert HERE.holds(np.concatenate([xyz[good].min(axis=0), xyz[good].max(axis=0)]))
    assert not HERE.holds(
        np.concatenate([xyz[good].min(axis=0), [*xyz[good].max(axis=0)[:2], 9001]])
    )
    assert not HERE.holds([0, 0, 0, 1e6, 1e7, 1])


def test_without_a_twin_only_the_crs_bounds_them() -> None:
    xyz = scattered(2) + np.array([40_000.0, 0, 0])
    assert HERE.refused(xyz)[0].all()
    assert not replace(HERE, extent=None).refused(xyz)[0].any()
