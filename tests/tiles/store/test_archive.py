"""A .3tz is a plain zip to any zip program, and its index finds every file as the format says."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from models.crs import enu_frame
from tiles.build import build_layer
from tiles.errors import StoreError, TileNotFoundError, TilesetError
from tiles.scheme import Limits
from tiles.store.archive import INDEX, Archive, export_archive
from tiles.store.directory import DirectoryStore
from tiles.testing import BoxTiler, random_boxes

FRAME = enu_frame(121.2264, 30.9869, 14.0)
SMALL = Limits(min_bytes=2_000, max_bytes=8_000)


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer of two versions: only the second is published."""
    folder = tmp_path / "layer"
    for count in (60, 200):
        tiler = BoxTiler(random_boxes(count), FRAME)
        build_layer(tiler, DirectoryStore(folder), limits=SMALL)
    return folder


def look_up(data: bytes, name: str) -> bytes:
    """A file found as the format's pseudocode does, without the zip's own directory."""
    at = data.rindex(INDEX.encode())  # the last entry of the central directory
    start = struct.unpack_from("<I", data, at - 46 + 42)[0]
    size, name_length, extra = (
        struct.unpack_from("<I", data, start + 22)[0],
        *struct.unpack_from("<HH", data, start + 26),
    )
    index = data[start + 30 + name_length + extra :][:size]
    entries = [struct.unpack_from("<QQQ", index, i) for i in range(0, size, 24)]
    assert entries == sorted(entries)
    key = struct.unpack("<QQ", hashlib.md5(name.encode()).digest())
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if entries[middle][:2] < key else (low, middle)
    assert entries[low][:2] == key
    offset = entries[low][2]
    assert data[offset : offset + 4] == b"PK\x03\x04"
    method, packed = struct.unpack_from("<H", data, offset + 8)[0], 0
    packed, whole = struct.unpack_from("<II", data, offset + 18)
    length, extra = struct.unpack_from("<HH", data, offset + 26)
    assert data[offset + 30 : offset + 30 + length].decode() == name
    body = data[offset + 30 + length + extra :][:packed]
    if method == 8:
        import zlib

        body = zlib.decompress(body, -15)
    assert len(body) == whole
    return body


@pytest.mark.parametrize("deflate", [True, False])
def test_every_file_is_found_by_the_index(layer: Path, tmp_path: Path, deflate: bool) -> None:
    target = tmp_path / "layer.3tz"
    report = export_archive(layer, target, deflate=deflate)
    data = target.read_bytes()
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert names[-1] == INDEX and "tileset.json" in names
    assert report.files == len(names) - 1
    for name in names[:-1]:
        assert look_up(data, name) == gzip.decompress((layer / f"{name}.gz").read_bytes())
    with Archive(target) as archive3:
        assert archive3.read("tileset.json") == look_up(data, "tileset.json")
        assert set(archive3.infos) == set(names[:-1])


def test_only_what_the_root_reaches_goes_in_and_bytes_are_stable(
    layer: Path, tmp_path: Path
) -> None:
    report = export_archive(layer, tmp_path / "a.3tz")
    export_archive(layer, tmp_path / "b.3tz")
    assert (tmp_path / "a.3tz").read_bytes() == (tmp_path / "b.3tz").read_bytes()
    assert report.files < len(list(layer.glob("*.gz")))
    assert not list(tmp_path.glob(".new-*"))


def test_another_zip_program_reads_it(layer: Path, tmp_path: Path) -> None:
    export_archive(layer, tmp_path / "a.3tz")
    command = [sys.executable, "-m", "zipfile", "-e", tmp_path / "a.3tz", tmp_path / "out"]
    subprocess.run(command, check=True)
    root = json.loads((tmp_path / "out" / "tileset.json").read_bytes())
    assert root["asset"]["version"] == "1.1"


def test_a_missing_content_is_named_and_nothing_is_left(layer: Path, tmp_path: Path) -> None:
    report = export_archive(layer, tmp_path / "whole.3tz")
    assert report.files
    with zipfile.ZipFile(tmp_path / "whole.3tz") as archive:
        victim = next(name for name in archive.namelist() if name.endswith(".glb"))
    (layer / f"{victim}.gz").unlink()
    with pytest.raises(TileNotFoundError, match=victim):
        export_archive(layer, tmp_path / "broken.3tz")
    assert not list(tmp_path.glob("*broken*")) and not list(tmp_path.glob(".new-*"))


def test_wrong_names_and_folders_are_told(layer: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ends in"):
        export_archive(layer, tmp_path / "layer.zip")
    with pytest.raises(StoreError, match="cannot be written"):
        export_archive(layer, tmp_path / "nowhere" / "layer.3tz")


def test_an_archive_with_another_index_is_refused(layer: Path, tmp_path: Path) -> None:
    target = tmp_path / "layer.3tz"
    export_archive(layer, target, deflate=False)
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        files = {name: archive.read(name) for name in names}
    index = np.frombuffer(files[INDEX], "<u8").reshape(-1, 3)[::-1]
    for spoiled in (index.tobytes(), b""):
        with zipfile.ZipFile(target, "w") as archive:
            for name, data in (files | {INDEX: spoiled}).items():
                archive.writestr(name, data)
        with pytest.raises(TilesetError, match="another index"):
            Archive(target)
    (tmp_path / "no.3tz").write_bytes(b"PK nothing")
    with pytest.raises(TilesetError, match="zip"):
        Archive(tmp_path / "no.3tz")
