"""Control points: from the surveyor's file to ECEF by PROJ alone, and read back from the tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import openpyxl
import pyproj
import pytest

from models.features import feature_id
from models.vertical import geoid_grid
from tiles.content import F64
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from twin.testing import Program

DATA = Path(__file__).resolve().parents[2] / "data-samples"
#: CGCS2000 / 3-degree CM 120E with 1985 heights (taken as EGM96) to geocentric, step by step.
PIPELINE = (
    "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=120 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80"
    " +step +proj=vgridshift +grids={grid} +multiplier=1 +step +proj=cart +ellps=GRS80"
)
TOLERANCE = 0.02  # m


@pytest.fixture(scope="module")
def to_ecef() -> Any:
    return pyproj.Transformer.from_pipeline(PIPELINE.format(grid=geoid_grid()))


def bodies(samples: Program, twin: str, layer: str) -> dict[str, F64]:
    """Vertices (n, 3) in ECEF of every feature of a layer, by id."""
    store = DirectoryStore(samples.home / "tiles" / twin / layer)
    found: dict[str, list[F64]] = {}
    for tile in walk(lambda name: store.get(name).decoded()):
        if tile.uri is None or not tile.leaf:  # above the leaves there is only massing
            continue
        glb = Glb(store.get(tile.uri).decoded())
        ids = glb.table()["id"]
        for part in glb.parts():
            ecef = part.positions @ tile.to_ecef[:3, :3].T + tile.to_ecef[:3, 3]
            order = np.argsort(part.feature_ids, kind="stable")
            rows, starts = np.unique(part.feature_ids[order], return_index=True)
            for row, points in zip(rows, np.split(ecef[order], starts[1:]), strict=True):
                found.setdefault(ids[row], []).append(points)
    return {identity: np.concatenate(parts) for identity, parts in found.items()}


def test_corners_of_buildings(samples: Program, to_ecef: Any) -> None:
    source = geopandas.read_file(DATA / "songjiang-hub/buildings.gpkg")
    drawn = bodies(samples, "songjiang-hub", "buildings")
    whole = ~source["建筑编号"].isin(source["所属建筑"].dropna()) & source["所属建筑"].isna()
    worst = 0.0
    for _, row in source[whole].iloc[::40].iterrows():
        identity = str(feature_id("songjiang-hub", "buildings", "building", row["建筑编号"]))
        east, north = np.array(row.geometry.exterior.coords)[:-1, :2].T
        for height in (row["地面高程"], row["地面高程"] + row["建筑高度"]):
            wanted = np.column_stack(to_ecef.transform(east, north, np.full(len(east), height)))
            apart = np.linalg.norm(drawn[identity][None] - wanted[:, None], axis=2).min(axis=1)
            worst = max(worst, float(apart.max()))
    assert worst < TOLERANCE


def test_covers_of_manholes(samples: Program, to_ecef: Any) -> None:
    """The middle of a cover lies at the surveyed point: X is northing, heights are the ground's."""
    book = openpyxl.load_workbook(DATA / "songjiang-hub/pipes.xlsx", read_only=True)
    rows = [list(row) for row in book["雨水点"].iter_rows(values_only=True)]
    top = next(i for i, row in enumerate(rows) if "物探点号" in row)
    header = [low or high for low, high in zip(rows[top + 1], rows[top], strict=True)]
    survey = [dict(zip(header, row, strict=True)) for row in rows[top + 2 :]]
    manholes = [row for row in survey if "井" in str(row["附属物"])]
    assert len(manholes) > 20
    drawn = bodies(samples, "songjiang-hub", "pipes")
    up = np.array(to_ecef.transform(617_000, 3_430_000, 1)) - np.array(
        to_ecef.transform(617_000, 3_430_000, 0)
    )
    for row in manholes:
        place = (float(row["Y"]), float(row["X"]), float(row["地面高程"]))
        wanted = np.array(to_ecef.transform(*place))
        identity = str(feature_id("songjiang-hub", "pipes", "pipe_point", row["物探点号"]))
        points = drawn[identity]
        level = (points - wanted) @ up
        cover = points[level > level.max() - 0.002]
        middle = (cover.min(axis=0) + cover.max(axis=0)) / 2
        assert np.linalg.norm(middle - wanted) < TOLERANCE, row
