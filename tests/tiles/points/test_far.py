"""What a client fetches that sees a whole cloud at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.las_testing import full, scattered, write_cloud
from tiles.check import check_tileset
from tiles.points.far import far_depth
from tiles.points.morton import DEPTH, Cube
from tiles.points.testing import passport


def seen(build: Any, path: Path, count: int, side: float, **more: Any) -> tuple[int, int]:
    """Requests and bytes of the far view of a cloud, all points of which are in the tiles."""
    cloud = passport(write_cloud(path, scattered(count, side=side), **full(count)))
    built = build([cloud], **more)
    assert built.report.in_tiles == count
    found = check_tileset(built.store.path)
    assert set(found.totals) <= {"TSC-31"}, found.findings  # colours at random pack badly
    return found.summary.far_requests, found.summary.far_bytes


@pytest.mark.parametrize("side", [50.0, 3000.0], ids=["dense", "wide"])
def test_a_whole_cloud_is_seen_in_2_mb_and_20_requests(
    build: Any, tmp_path: Path, side: float
) -> None:
    requests, size = seen(build, tmp_path / "a.las", 200_000, side)
    assert requests <= 20
    assert size <= 1_000_000  # all of it is 2.4 MB


@pytest.mark.long
@pytest.mark.parametrize("side", [80.0, 900.0, 3000.0])
def test_so_is_one_of_several_million_points(build: Any, tmp_path: Path, side: float) -> None:
    requests, size = seen(build, tmp_path / "a.las", 5_000_000, side, workers=2)
    assert requests <= 20
    assert size <= 2_000_000


def test_the_far_grid_is_the_coarsest_that_is_fine_enough() -> None:
    cube = Cube((0.0, 0.0, 0.0), 1024.0)
    box = np.array([0.0, 0.0, 0.0, 700.0, 700.0, 20.0])
    radius = np.linalg.norm(box[3:]) / 2
    depth = far_depth(box, cube)
    # 16 of 1,080 pixels, seen with 60 degrees from 1.15 radii away
    fine = 16 / 1080 * 2 * np.tan(np.pi / 6) * 1.15 * radius
    assert cube.diagonal(depth) <= fine < cube.diagonal(depth - 1)
    assert far_depth(np.zeros(6), cube) == 0
    assert 0 < far_depth(np.array([0, 0, 0, 0.2, 0.2, 0.2]), cube) <= DEPTH
