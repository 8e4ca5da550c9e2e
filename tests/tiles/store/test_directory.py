"""Content-addressed, gzipped, and never seen half-written."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tiles.errors import StoreError, TileNotFoundError
from tiles.store.directory import DirectoryStore, digest

READER = """
import json, sys, time
from pathlib import Path
from tiles.store.directory import DirectoryStore
store, end, seen = DirectoryStore(Path(sys.argv[1])), time.monotonic() + float(sys.argv[2]), set()
print("ready", flush=True)
while time.monotonic() < end:
    root = json.loads(store.get("tileset.json").decoded())
    child = json.loads(store.get(root["child"]).decoded())
    assert child["version"] == root["version"], (child, root)
    assert len(child["pad"]) == 50_000
    seen.add(root["version"])
print(len(seen))
"""


def _publish(store: DirectoryStore, version: int) -> None:
    child = json.dumps({"version": version, "pad": "x" * 50_000}).encode()
    name = store.put(child, "json")
    store.publish(json.dumps({"version": version, "child": name}).encode())


def test_put_is_by_content_and_idempotent(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "twin" / "layer")
    name = store.put(b"glTF....", "glb")
    assert name == f"{digest(b'glTF....')}.glb"
    path = tmp_path / "twin" / "layer" / f"{name}.gz"
    stamp = path.stat().st_mtime_ns
    assert store.put(b"glTF....", "glb") == name
    assert path.stat().st_mtime_ns == stamp
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_damaged_file_is_mended_by_the_next_build(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    name = store.put(b"glTF....", "glb")
    (tmp_path / f"{name}.gz").write_bytes(b"")
    assert store.put(b"glTF....", "glb") == name
    assert store.get(name).decoded() == b"glTF...."


@pytest.mark.parametrize("data", [b"{}", gzip.compress(b"{}" * 99, mtime=0)[:-9]])
def test_a_damaged_root_says_so(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "tileset.json.gz").write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        DirectoryStore(tmp_path).get("tileset.json")
    DirectoryStore(tmp_path).publish(b"{}")
    assert DirectoryStore(tmp_path).get("tileset.json").decoded() == b"{}"


def test_equal_content_is_equal_at_rest(tmp_path: Path) -> None:
    one, two = DirectoryStore(tmp_path / "1"), DirectoryStore(tmp_path / "2")
    data = b"glTF" + bytes(10_000)
    first = one.get(one.put(data, "glb"))
    time.sleep(1.1)  # a gzip header with the time in it would differ now
    second = two.get(two.put(data, "glb"))
    assert first == second
    assert first.decoded() == gzip.decompress(first.data) == data
    assert (first.encoding, first.media_type, first.immutable) == (
        "gzip",
        "model/gltf-binary",
        True,
    )
    assert len(first.data) < 200


def test_root_is_mutable_and_has_a_digest(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    assert store.publish(b"{}") == store.get("tileset.json").digest
    store.publish(b'{"a":1}')
    root = store.get("tileset.json")
    assert (root.decoded(), root.immutable) == (b'{"a":1}', False)
    assert root.media_type == "application/json"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.json",
        "..",
        "",
        "tileset.json.gz",
        "TILESET.JSON",
        "/etc/passwd",
        f"{'0' * 32}.exe",
        f"{'0' * 32}.glb",
        f"{'0' * 32}.glb\n",
        f"{'A' * 32}.glb",
    ],
)
def test_other_names_are_not_found(tmp_path: Path, name: str) -> None:
    store = DirectoryStore(tmp_path / "layer")
    (tmp_path / "secret.json.gz").write_bytes(gzip.compress(b"{}"))
    store.publish(b"{}")
    with pytest.raises(TileNotFoundError, match="No tile file"):
        store.get(name)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be used") as told:
        DirectoryStore(tmp_path / "file").put(b"x", "glb")
    assert "权限" in told.value.zh
    with pytest.raises(StoreError, match="exe"):
        DirectoryStore(tmp_path).put(b"x", "exe")


def test_a_reader_never_sees_a_mixture(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    _publish(store, 0)
    arguments = [sys.executable, "-c", READER, str(tmp_path), "2"]
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[3]))
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        version = 0
        while reader.poll() is None:
            version += 1
            _publish(store, version)
        out, err = reader.communicate()
    assert reader.returncode == 0, err
    assert int(out) > 3
    assert not list(tmp_path.glob(".new-*"))


def test_what_killed_writes_left_is_collected(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    name = store.put(b"glTF....", "glb")
    old, fresh = tmp_path / ".new-old", tmp_path / ".new-fresh"  # as write_whole names them
    for path in (old, fresh):
        path.write_bytes(b"glT")
    os.utime(old, (time.time() - 7200,) * 2)
    store.remove([])
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.gz", fresh.name}
