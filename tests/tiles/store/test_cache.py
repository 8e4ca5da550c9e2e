"""A cache on disk that processes share: bounded, and safe against what others do to its files."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiles.store.cache import DiskCache, shared_key

KEY = bytes(range(32))


def cache(folder: Path, room: int = 1 << 20, key: bytes = KEY) -> DiskCache:
    """A process's own view of the cache, with hardly any memory, so that the disk is read."""
    return DiskCache(folder, room, key, front=1)


def forget(one: DiskCache) -> None:
    """Push out of memory what was read or written last."""
    one.put("something else", b"x")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=300), st.binary(max_size=2000), max_size=8))
def test_what_is_put_is_read_by_every_process(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("cache") / "tiles"
    one = cache(folder)
    for name, data in entries.items():
        one.put(name, data)
    other = cache(folder)
    for name, data in entries.items():
        assert other.has(name)
        assert other.get(name) == data
    assert not other.has("nothing") or "nothing" in entries


@pytest.mark.parametrize("name", ["../../out", "/etc/passwd", "..", "", "a\0b", "x" * 5000, "松江"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner" / "cache"
    cache(folder).put(name, b"data")
    assert cache(folder).get(name) == b"data"
    assert all(path.is_relative_to(folder) for path in files(tmp_path))


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    room = 100_000
    one = cache(tmp_path, room)
    for number in range(60):
        one.put(f"n{number}", bytes(4000))
        for path in files(tmp_path):  # all are an hour old but the one in use
            os.utime(path, (0, path.stat().st_mtime - 3600))
        assert one.get("n0") is not None
        forget(one)
        assert used(tmp_path) <= room
    kept = [number for number in range(60) if cache(tmp_path, room).get(f"n{number}") is not None]
    assert kept[0] == 0  # because it was used
    assert kept[1:] == list(range(60 - len(kept) + 1, 60))
    assert used(tmp_path) > room / 2


def test_what_is_larger_than_its_share_is_not_put_on_disk(tmp_path: Path) -> None:
    one = DiskCache(tmp_path, 10_000, KEY)
    one.put("large", bytes(9_000))
    assert one.get("large") == bytes(9_000)  # but held as long as memory has room
    assert not files(tmp_path)


def test_files_that_were_changed_are_missing(tmp_path: Path) -> None:
    one = cache(tmp_path)
    for name in ("a", "b"):
        one.put(name, b"content of " + name.encode() * 100)
    (first, second) = (path for path in files(tmp_path) if path.stat().st_size > 100)
    whole = first.read_bytes()
    for wrong in (
        whole[:-1],
        whole + b"x",
        b"",
        whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        second.read_bytes(),  # sound, but of another name
    ):
        first.write_bytes(wrong)
        found = {cache(tmp_path).get(name) is None for name in ("a", "b")}
        assert found == {True, False}
        assert not first.exists()
    assert cache(tmp_path, key=bytes(32)).get("b") is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    one = cache(folder)
    one.put("a", b"secret of a")
    (path,) = files(folder)
    shutil.move(path, tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    forget(one)
    assert one.get("a") is None
    assert not one.has("a")
    path.unlink()
    os.mkfifo(path)  # nobody writes to it: not waited for
    assert one.get("a") is None
    path.unlink()
    one.put("a", b"again")
    assert cache(folder).get("a") == b"again"


def test_a_folder_that_cannot_be_written_only_means_that_less_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    one = DiskCache(tmp_path / "file", 1 << 20, KEY)
    one.put("a", b"data")
    assert one.get("a") == b"data"
    assert cache(tmp_path / "file").get("a") is None


def test_litter_is_removed(tmp_path: Path) -> None:
    one = cache(tmp_path, 1 << 20)
    one.put("a", b"data")
    (kept,) = files(tmp_path)
    litter = kept.with_name(".new-killed")
    litter.write_bytes(bytes(100))
    os.utime(litter, (0, 0))
    for number in range(40):
        one.put(f"n{number}", bytes(3000))
    assert not litter.exists()


def test_one_key_for_all(tmp_path: Path) -> None:
    path = tmp_path / "home" / "key"
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(shared_key(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"cut")
    fresh = shared_key(path)
    assert len(fresh) == 32 and fresh != found[0]
    assert list(path.parent.iterdir()) == [path]
