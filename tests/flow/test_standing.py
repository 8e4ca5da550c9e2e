"""Buildings without a base height stand on the elevation model that their twin was given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.readers.footprint_testing import feature, geojson, polygon, ring
from models.twins import load_twins
from twin.testing import Program

TWIN = load_twins()["qianwan"]
DEM = Path(__file__).resolve().parents[2] / "data-samples" / "qianwan" / "dem.tif"
FLAT = f"{TWIN.ground_height:g} m"


def grounds(told: dict[str, Any]) -> dict[str, int]:
    """How many buildings stand on what, as the remarks say it."""
    return {f["found"]: f["extra"]["count"] for f in told["findings"] if f["code"] == "BLD-10"}


def test_a_model_in_the_same_delivery_and_one_kept_from_before(
    new_program: Callable[..., Program], tmp_path: Path
) -> None:
    lon, lat = TWIN.centre
    squares = [feature(n, polygon(ring(lon + n * 0.0004, lat)), height=9) for n in range(3)]
    far = feature(9, polygon(ring(TWIN.extent[2] + 0.02, lat)), height=9)  # beyond the raster
    path = geojson(tmp_path, *squares, far)
    program = new_program()
    given = ("--twin", TWIN.id, "--vertical", "1985")
    assert grounds(program.json("check", path, *given)) == {FLAT: 4}
    stored = program.json("ingest", path, DEM, *given)
    assert grounds(stored) == {"dem.tif": 3, FLAT: 1}
    assert {f["dataset"] for f in stored["files"]} >= {"a"}
    assert grounds(program.json("check", path, *given)) == {"dem.tif": 3, FLAT: 1}


def test_pairs_of_tables_are_stored_under_their_common_name(
    new_program: Callable[..., Program], tmp_path: Path
) -> None:
    folder = DEM.parent / "pipes"
    files = [folder / "JS_线表.csv", folder / "JS_点表.csv", folder / "元数据.csv"]
    stored = new_program().json("ingest", *files, "--twin", TWIN.id)
    (one,) = (f for f in stored["files"] if f["accepted"])
    assert one["dataset"] == "JS"
    assert one["stored"]["new"] is True
