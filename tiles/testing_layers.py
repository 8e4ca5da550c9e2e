"""Layers that follow changes, for tests: brought up to date, built at once, and read as clients do;
nothing else imports this module."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.crs import enu_frame
from models.db import read
from models.db.connection import Connection, connect
from models.db.tiles import LayerKey
from models.db.tiles_changes import watermark
from tiles.build import BuildReport, Options, Progress, build_layer
from tiles.gltf import DEFAULT, Profile
from tiles.incremental import Changing, update_layer
from tiles.incremental_map import TileMap, signature
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.scheme import Limits
from tiles.store.directory import DirectoryStore
from tiles.tilers.stored import Place

FRAME: Final = np.asarray(enu_frame(120.22, 30.98, 14.0))
PLACE: Final = Place("test", FRAME)

_DYING: Final = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from {module} import followed

def progress(done, total):
    if done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    followed(sys.argv[1]).updated(Path(sys.argv[2]), int(sys.argv[4]), progress)
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """A layer of twin ``test`` in the database at ``url``; ``source`` is of tiles.incremental_*."""

    url: str
    layer: str
    source: Callable[[Connection, str, Place], Changing]
    limits: Limits
    profile: Profile = DEFAULT

    def updated(
        self,
        folder: Path,
        workers: int = 1,
        progress: Progress | None = None,
        *,
        trusted: bool = True,
    ) -> BuildReport:
        """Bring the layer in ``folder`` up to date; work of before is taken if ``trusted``."""
        store = DirectoryStore(folder)
        options = Options(self.profile, self.limits, progress, workers)
        with (
            connect(self.url) as own,
            connect(self.url, read_only=True) as conn,
            read.snapshot(conn),
        ):
            key = LayerKey("test", self.layer, "made")
            mark = signature(options.profile, self.limits, FRAME)
            known = TileMap(own, key, mark, store, trusted=trusted)
            source = self.source(conn, self.url, PLACE)
            return update_layer(source, store, known, watermark(conn, "test"), options)

    def at_once(self, folder: Path, workers: int = 1) -> BuildReport:
        """Build the layer into ``folder`` without remembering anything."""
        with connect(self.url, read_only=True) as conn, read.snapshot(conn):
            source = self.source(conn, self.url, PLACE)
            store = DirectoryStore(folder)
            return build_layer(
                source, store, profile=self.profile, limits=self.limits, workers=workers
            )


def die_in_midrun(test: Path, url: str, folder: Path, contents: int, workers: int) -> None:
    """Let a process bring the layer ``followed(url)`` of the test module ``test`` up to date, and
    kill itself without a word (SIGKILL) after so many contents. Raises AssertionError where it
    ends otherwise."""
    script = folder.with_name("dying.py")
    script.write_text(_DYING.format(tests=str(test.parent), module=test.stem))
    command = [sys.executable, str(script), url, str(folder), str(contents), str(workers)]
    ended = subprocess.run(command, capture_output=True, check=False)
    if ended.returncode != -signal.SIGKILL:
        raise AssertionError(f"status {ended.returncode}: {ended.stderr.decode()}")


def features(folder: Path) -> dict[str, dict[str, Any]]:
    """Every feature with its properties and its ``box`` (6,), read as a client does; errors fall
    and boxes hold all vertices on the way."""
    store = DirectoryStore(folder)
    out: dict[str, dict[str, Any]] = {}
    for tile in walk(lambda name: store.get(name).decoded()):
        errors = np.array(tile.errors)
        if not (errors[:-1] > errors[1:]).all():
            raise AssertionError(f"errors {errors} do not fall")
        if tile.uri is None:
            continue
        glb = Glb(store.get(tile.uri).decoded())
        held, parts = glb.table(), glb.parts()
        points = np.concatenate([part.positions for part in parts])
        if (np.abs(points - tile.box[:3]) > tile.box[[3, 7, 11]] + 1e-9).any():
            raise AssertionError(f"{tile.uri} is outside its box")
        of = np.concatenate([part.feature_ids for part in parts])
        for row, identity in enumerate(held.get("id", ())):
            if identity in out:
                raise AssertionError(f"{identity} is in two tiles")
            own = points[of == row]
            box = np.concatenate([own.min(axis=0), own.max(axis=0)])
            out[identity] = {name: values[row] for name, values in held.items()} | {"box": box}
    return out


def differences(found: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> list[str]:
    """What differs; places may by what another tile's grid rounds."""
    out = sorted(found.keys() ^ expected.keys())
    for identity in sorted(found.keys() & expected.keys()):
        one, other = found[identity], expected[identity]
        if {**one, "box": 0} != {**other, "box": 0} or np.abs(
            one["box"] - other["box"]
        ).max() > 0.05:
            out.append(f"{identity}: {one} != {other}")
    return out


def depth(folder: Path) -> int:
    """Levels of contents below the root tileset."""
    store = DirectoryStore(folder)
    return max(len(tile.errors) for tile in walk(lambda name: store.get(name).decoded())) - 1


def names(folder: Path) -> set[str]:
    """Files in a folder."""
    return {path.name for path in folder.iterdir()}
