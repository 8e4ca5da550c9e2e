"""Files that no tile reaches, and places without a tileset."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.crs import enu_frame
from tiles.build import build_layer
from tiles.check import check_tileset
from tiles.errors import TileNotFoundError
from tiles.store.archive import index_bytes
from tiles.store.directory import DirectoryStore
from tiles.testing import BoxTiler, random_boxes

if TYPE_CHECKING:
    from tests.tiles.check.conftest import Planted

FRAME = enu_frame(121.2264, 30.9869, 14.0)


def test_what_lies_beside_a_tileset_is_no_waste(planted: Planted) -> None:
    (planted.folder / "screenshot").mkdir()
    for name in ("README.md", "screenshot/city.png", ".hidden"):
        (planted.folder / name).write_bytes(b"x")
    assert planted.check().totals == {}


def test_files_of_an_earlier_version_are_kept_for_a_day(tmp_path: Path) -> None:
    """Those of a store, whose names hold hashes: told, no fault, and in no sum of bytes."""
    store = DirectoryStore(tmp_path)
    build_layer(BoxTiler(random_boxes(50), FRAME), store)
    first = check_tileset(tmp_path)
    build_layer(BoxTiler(random_boxes(50, seed=2), FRAME), store)
    report = check_tileset(tmp_path)
    assert set(report.totals) == {"TSC-10"} and report.clean
    assert report.summary.files == first.summary.files
    assert report.summary.bytes == sum(
        (tmp_path / f"{name}.gz").stat().st_size
        for name in ("tileset.json", *(n for n in store.names() if n in told_of(tmp_path)))
    )
    (tmp_path / "left.glb").write_bytes(b"x")  # of no version
    assert set(check_tileset(tmp_path).totals) == {"TSC-10", "TSC-02"}
    (tmp_path / "left.glb").unlink()
    root = tmp_path / "tileset.json.gz"
    day = root.stat().st_mtime - 25 * 3600
    os.utime(root, (day, day))  # nobody reads the earlier version any more
    assert set(check_tileset(tmp_path).totals) == {"TSC-02"}
    store.remove(store.names() - told_of(tmp_path))
    assert check_tileset(tmp_path).totals == {}


def told_of(folder: Path) -> set[str]:
    """The content that the root of a store of one tile names."""
    root = json.loads(gzip.decompress((folder / "tileset.json.gz").read_bytes()))["root"]
    return {root["content"]["uri"]}


def test_a_place_without_a_tileset_is_told(tmp_path: Path) -> None:
    with pytest.raises(TileNotFoundError, match=r"no tileset at .* expected a folder") as caught:
        check_tileset(tmp_path)
    assert "没有瓦片集" in caught.value.zh
    inner = tmp_path / "songjiang-hub" / "buildings"
    build_layer(BoxTiler(random_boxes(5), FRAME), DirectoryStore(inner))
    with pytest.raises(TileNotFoundError, match=f"Check one of these: {inner}"):
        check_tileset(tmp_path)
    with zipfile.ZipFile(tmp_path / "deep.3tz", "w") as archive:
        archive.writestr("deep/tileset.json", b"{}")
        offset = index_bytes({"deep/tileset.json": 0})
        archive.writestr(zipfile.ZipInfo("@3dtilesIndex1@"), offset)
    with pytest.raises(TileNotFoundError, match=r"holds no tileset\.json at its top"):
        check_tileset(tmp_path / "deep.3tz")
