"""Cover is taken every metre against the ground, not only at the ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from models.terrain import TerrainPassport, open_terrain, store_terrain
from twin.analyses.cover import CoverRequest, cover
from twin.analyses.testing import CORNER, at, pipework, round_pipe


def valley(home: Path) -> Any:
    """Ground at 4 m, and a ditch 2 m deep and 6 m wide across east = 20."""
    heights = np.full((40, 60), 4.0, np.float32)
    heights[:, 17:23] = 2.0
    file = home / "dem.tif"
    profile = {
        "driver": "GTiff",
        "height": 40,
        "width": 60,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4549",
        "transform": rasterio.Affine(1, 0, CORNER[0] - 0.5, 0, -1, CORNER[1] + 20.5),
    }
    with rasterio.open(file, "w", **profile) as raster:
        raster.write(heights, 1)
    store_terrain(home, "t", file, TerrainPassport("dem.tif", "ab", "EPSG:4549", "1985"))
    return open_terrain(home, "t")


def main(**columns: Any) -> dict[str, Any]:
    return round_pipe(
        (0, 0, 1.0), (40, 0, 1.0), size=400, points=("A", "B"), code="JS", material="钢", **columns
    )


def test_a_ditch_between_the_ends_is_found(tmp_path: Path) -> None:
    work = pipework(main(), terrain=valley(tmp_path))
    answer = cover(work, CoverRequest(segments=["A-B"]))
    (found,) = answer.result["segments"]
    assert answer.accuracy["ground"]["source"] == "terrain"
    assert found["least"]["cover"] == 0.8  # 2.0 - 1.2; 2.8 at both ends
    assert 17 <= found["least"]["chainage"] <= 23
    assert len(found["samples"]) == 41
    assert found["samples"][0] == [0, 4, 1.2, 2.8]
    at_ends = cover(pipework(main()), CoverRequest(segments=["A-B"]))
    assert at_ends.result["segments"][0]["least"]["cover"] == 2.8
    assert "GROUND" in {note.code for note in at_ends.notes}


@pytest.mark.parametrize(
    ("ground", "verdict"),
    [(1.7, "certain"), (1.85, "possible"), (1.95, "possible"), (2.2, "compliant")],
)
def test_a_limit_is_judged_with_the_accuracy(ground: float, verdict: str) -> None:
    """Water under a carriageway 0.70 m; 2 sigma are 0.06 m."""
    request = CoverRequest(surface="carriageway")
    (found,) = cover(pipework(main(), ground=ground), request).result["segments"]
    assert found["limit"] == 0.7
    assert found["least"]["cover"] == pytest.approx(ground - 1.2)
    assert found["verdict"] == verdict


@pytest.mark.parametrize("upwards", [True, False])
def test_a_riser_is_taken_at_both_ends_whichever_way_it_is_drawn(upwards: bool) -> None:
    low, high = (5, 0, 2.5), (5, 0, 4.0)
    ends = (low, high) if upwards else (high, low)
    work = pipework(round_pipe(*ends, size=300, points=("A", "B")))
    (found,) = cover(work, CoverRequest()).result["segments"]
    assert found["least"]["cover"] == -0.15  # ground 4, top 4 + 0.3 / 2
    assert [row[-1] for row in found["samples"]] == ([1.35, -0.15] if upwards else [-0.15, 1.35])


def test_least_first_and_what_is_unknown_last() -> None:
    pipes = [
        round_pipe((0, k, z), (9, k, z), size=200, points=(f"A{k}", f"B{k}"))
        for k, z in ((0, 1.0), (1, 3.0), (2, np.nan))
    ]
    found = cover(pipework(*pipes), CoverRequest()).result
    assert [s["least"]["cover"] for s in found["segments"]] == [0.9, 2.9, None]
    assert found["unknown"] == 1


def test_scope_by_polygon_and_class() -> None:
    pipes = [
        round_pipe((0, 0, 1), (9, 0, 1), points=("A", "B"), code="YS"),
        round_pipe((0, 5, 1), (9, 5, 1), points=("C", "D"), code="JP"),
        round_pipe((0, 99, 1), (9, 99, 1), points=("E", "F"), code="JP"),
    ]
    work = pipework(*pipes)
    area = at((-1, -1), (5, -1), (5, 9), (-1, 9))
    assert cover(work, CoverRequest(polygon=area)).result["count"] == 2
    assert cover(work, CoverRequest(polygon=area, class_code="JS")).result["count"] == 1
    assert cover(work, CoverRequest(class_code="JS")).result["count"] == 2
