"""Delivered files are kept once, whole, and closed to others."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from models.originals import Originals, OriginalsError


def put(store: Originals, folder: Path, name: str, data: bytes, **more: list[Path]) -> str:
    path = folder / name
    path.write_bytes(data)
    found = store.put(path, **more)
    assert found.name == name
    assert found.size == len(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    return found.sha256


def test_content_is_kept_once_whatever_its_name(tmp_path: Path) -> None:
    store = Originals(tmp_path / "originals")
    one = put(store, tmp_path, "点表.csv", b"data")
    two = put(store, tmp_path, "again.csv", b"data")
    assert one == two
    assert list(store.contents()) == [one]
    assert store.path(one).read_bytes() == b"data"
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_a_file_of_our_own_is_not_copied(tmp_path: Path) -> None:
    store = Originals(tmp_path / "originals")
    digest = hashlib.sha256(b"raster").hexdigest()
    own = tmp_path / f"{digest}.tif"
    own.write_bytes(b"raster")
    put(store, tmp_path, "dem.tif", b"raster", held=[own])
    assert store.path(digest).samefile(own)
    own.unlink()
    assert store.path(digest).read_bytes() == b"raster"


def test_what_is_removed_is_gone(tmp_path: Path) -> None:
    store = Originals(tmp_path / "originals")
    digest = put(store, tmp_path, "a", b"a")
    assert store.remove(digest)
    assert not store.remove(digest)
    assert not store.has(digest)


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Originals(tmp_path / "originals")
    with pytest.raises(OriginalsError, match="No such file"):
        store.put(tmp_path / "none")
    assert not list(store.folder.rglob("*"))
    (tmp_path / "originals").write_bytes(b"a file where the folder should be")
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(OriginalsError) as caught:
        store.put(tmp_path / "a")
    assert "--no-originals" in caught.value.zh


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    store = Originals(tmp_path / "originals")
    (tmp_path / "a").write_bytes(b"a" * 1000)
    store.require_room([tmp_path / "a"], reserve=0)
    with pytest.raises(OriginalsError, match="Nothing was stored"):
        store.require_room([tmp_path / "a"], reserve=1 << 62)
    assert not store.folder.exists()


def test_only_old_unfinished_copies_are_swept(tmp_path: Path) -> None:
    store = Originals(tmp_path / "originals")
    digest = put(store, tmp_path, "a", b"a")
    folder = store.path(digest).parent
    for name in (".new-old", ".new-young"):
        (folder / name).write_bytes(b"half")
    os.utime(folder / ".new-old", (0, 0))
    assert store.sweep() == 1
    assert (folder / ".new-young").exists()
    assert list(store.contents()) == [digest]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_no_other_name_is_a_content(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Originals(tmp_path).path(name)
