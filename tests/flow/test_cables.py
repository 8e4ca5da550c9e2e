"""Direct-buried cables that were counted and not measured, from the surveyor's file to the tile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from ingest.testing import DECLARED, EAST, NORTH, run_of, workbook
from models.crs import storage_to_ecef
from models.db.connection import connect
from models.db.read import read_table
from models.features import Theme
from models.twins import load_twins
from tiles.content import F64
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.tilers.style import default_style
from twin import flow
from twin.settings import Settings
from twin.tiling import tile

TWIN = load_twins()["songjiang-hub"]


def from_axis(points: F64, start: F64, end: F64) -> F64:
    """Distance (n,) of points from the straight line between two others."""
    along = (end - start) / np.linalg.norm(end - start)
    away = points - start
    return np.asarray(np.linalg.norm(away - (away @ along)[:, None] * along, axis=1))


@pytest.mark.parametrize(("size", "basis"), [(None, "assumed"), (60, "od")])
def test_a_cable_without_a_diameter_is_drawn_where_it_was_measured(
    database: str, tmp_path: Path, size: int | None, basis: str
) -> None:
    points, lines = run_of(
        3, "DL", 管径=size, 材质="铜", 电压=10, 电缆条数=2, 起点埋深=0.8, 终点埋深=0.9
    )
    path = workbook(tmp_path / "cables.xlsx", points, lines, code="DL")
    settings = Settings(home=tmp_path)
    (outcome,) = flow.ingest(settings, database, [path], DECLARED, TWIN, "cables")
    assert outcome.clean and outcome.accepted == 5
    with connect(database) as conn:
        stored = read_table(conn, "pipe_segment", TWIN.id)
    assert stored["width_mm"].notna().all() == (size is not None)
    assert stored["from_top_h"].to_list() == pytest.approx([3.2, 3.2])
    half = 0.0 if size is None else size / 2000
    z = shapely.get_coordinates(stored["geom"].to_numpy(), include_z=True)[:, 2].reshape(-1, 2)
    assert z == pytest.approx(np.array([[3.2, 3.1]] * 2) - half)

    ((_, report),) = tile(settings, database, [TWIN], Theme.PIPES, workers=1)
    assert report.in_tiles == 5 and not report.refused
    store = DirectoryStore(settings.tiles_dir / TWIN.id / Theme.PIPES)
    drawn = 0
    for part in walk(lambda name: store.get(name).decoded()):
        if part.uri is None or not part.leaf:
            continue
        glb = Glb(store.get(part.uri).decoded())
        table = glb.table()
        for row, kind in enumerate(table["kind"]):
            if kind != "segment":
                continue
            drawn += 1
            assert table["size_basis"][row] == basis
            assert bool(table["size"][row]) is (size is not None)
            body = np.concatenate([p.positions[p.feature_ids == row] for p in glb.parts()])
            ecef = body @ part.to_ecef[:3, :3].T + part.to_ecef[:3, 3]
            first = int(str(table["from_point"][row])[2:])
            ends = storage_to_ecef(
                [EAST, EAST], NORTH + 30.0 * np.array([first, first + 1]), [3.2 - half, 3.1 - half]
            )
            radius = default_style("pipes")["size"]["assumed"] / 2000 if size is None else half
            assert from_axis(ecef, *ends).max() == pytest.approx(radius, abs=0.01)
    assert drawn == 2
