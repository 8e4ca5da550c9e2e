"""A layer of clouds, built."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from models.pointcloud import Cloud
from tiles.points import build_points
from tiles.points.testing import EXTENT, FRAME, Built
from tiles.store.directory import DirectoryStore


@pytest.fixture
def build(tmp_path: Path) -> Any:
    """Builds clouds into a new folder, in this process unless told otherwise."""

    def run(clouds: Sequence[Cloud], name: str = "tiles", **more: Any) -> Built:
        scratch = tmp_path / f"scratch-{name}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        store = DirectoryStore(tmp_path / name)
        options = {"frame": FRAME, "extent": EXTENT, "workers": 1, **more}
        return Built(store, build_points(clouds, store, folder=scratch, **options))

    return run
