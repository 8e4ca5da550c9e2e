"""Buildings: exact places, true volumes, every feature in a tile or refused."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import trimesh

from models.crs import enu_frame, storage_to_ecef
from tiles.content import Content, Primitive
from tiles.gltf import COMPAT, DEFAULT, encode
from tiles.inspect import Glb
from tiles.testing import khronos
from tiles.tilers.buildings import BuildingTiler

FRAME = enu_frame(121.2264, 30.9869, 14.0)
ORIGIN = np.array([617486.771, 3430515.006])
RING = np.array([(0, 0), (20, 0), (20, 8), (9, 8), (9, 22), (0, 22)], float)
#: 4549 is 170 mm/km too long here: squared, an area in the grid is so much larger than in truth.
GRID = 1.00017**2


def table(count: int, **columns: object) -> pd.DataFrame:
    random = np.random.default_rng(7)
    rings = RING * random.uniform(0.5, 2, (count, 1, 1)) + ORIGIN
    rings += random.uniform(-2000, 2000, (count, 1, 2))
    data: dict[str, object] = {
        "id": [str(uuid.UUID(int=k + 1)) for k in range(count)],
        "key": [f"B{k}" for k in range(count)],
        "geom": shapely.multipolygons(shapely.polygons(rings)[:, None]),
        "height": random.uniform(3, 90, count),
        "base_height": 4.0,
        "function": [["住宅", "Office", "铁路车站", None][k % 4] for k in range(count)],
        "name": [f"楼{k}" for k in range(count)],
        "storeys": 5,
        "height_source": "attribute",
    }
    return pd.DataFrame(data | columns)


def feature_mesh(primitives: list[Primitive], feature: int) -> trimesh.Trimesh:
    """One feature's triangles out of all primitives, welded."""
    soup = [
        p.positions[p.indices[p.feature_ids[p.indices[:, 0]] == feature]].reshape(-1, 3)
        for p in primitives
    ]
    points = np.vstack(soup).round(6)
    mesh = trimesh.Trimesh(points, np.arange(len(points)).reshape(-1, 3), process=False)
    mesh.merge_vertices()
    return mesh


def all_content(tiler: BuildingTiler) -> Content:
    return tiler.content(np.arange(len(tiler.index().ids)))


def test_solids_are_closed_and_their_volume_is_area_times_height() -> None:
    buildings = table(40)
    content = all_content(BuildingTiler(FRAME, buildings))
    for row in range(40):
        mesh = feature_mesh(list(content.primitives), row)
        assert mesh.is_watertight
        exact = buildings.geom[row].area * buildings.height[row]
        assert mesh.volume == pytest.approx(exact / GRID, rel=3e-5)


def test_vertices_lie_where_the_crs_module_puts_them() -> None:
    content = all_content(BuildingTiler(FRAME, table(1, height=[50.0])))
    points = np.vstack([p.positions for p in content.primitives])
    ecef = points @ FRAME[:3, :3].T + FRAME[:3, 3]
    ring = shapely.get_coordinates(table(1).geom[0])[:-1]
    for height in (4.0, 54.0):
        truth = storage_to_ecef(ring[:, 0], ring[:, 1], np.full(len(ring), height))
        nearest = np.linalg.norm(ecef[:, None] - truth, axis=2).min(axis=0)
        assert nearest.max() < 1e-4


def test_a_corner_read_back_from_the_file_is_within_two_centimetres() -> None:
    glb = Glb(encode(all_content(BuildingTiler(FRAME, table(30))), DEFAULT))
    points = np.vstack([part.positions for part in glb.parts()])
    ecef = points @ FRAME[:3, :3].T + FRAME[:3, 3]
    for row in (0, 13, 29):
        ring = shapely.get_coordinates(table(30).geom[row])[:-1]
        truth = storage_to_ecef(ring[:, 0], ring[:, 1], np.full(len(ring), 4.0))
        assert np.linalg.norm(ecef[:, None] - truth, axis=2).min(axis=0).max() < 0.02


def test_boxes_hold_the_meshes_tightly_and_rows_stay_rows() -> None:
    tiler = BuildingTiler(FRAME, table(50))
    index = tiler.index()
    rows = np.array([3, 4, 17, 40])
    content = tiler.content(rows)
    assert list(content.columns[0].values) == [index.ids[r] for r in rows]
    for place, row in enumerate(rows):
        bounds = feature_mesh(list(content.primitives), place).bounds.ravel()
        assert np.abs(bounds - index.boxes[row]).max() < 1e-5
    counted = sum(len(p.indices) for p in content.primitives)
    assert counted == index.triangles[rows].sum()
    assert (index.bytes > 0).all()


def test_roofs_show_the_function_in_at_most_four_primitives() -> None:
    content = all_content(BuildingTiler(FRAME, table(40)))
    looks = {p.material.name: set(p.feature_ids[p.indices].ravel() % 4) for p in content.primitives}
    assert looks == {"walls": {0, 1, 2, 3}, "dwelling": {0}, "work": {1}, "public": {2}}
    content = all_content(BuildingTiler(FRAME, table(8, function=None)))
    assert [p.material.name for p in content.primitives] == ["walls"]


def test_a_building_with_parts_is_drawn_by_them() -> None:
    buildings = table(3)
    parts = table(3, building_key=["B1", "B1", "nowhere"])
    parts["id"] = [str(uuid.UUID(int=100 + k)) for k in range(3)]
    tiler = BuildingTiler(FRAME, buildings, parts)
    assert [(r.id, r.code) for r in tiler.refused] == [(buildings.id[1], "SKIP-PARTS")]
    columns = {c.id: list(c.values) for c in all_content(tiler).columns}
    assert columns["id"] == [buildings.id[0], buildings.id[2], *parts.id]
    assert columns["kind"] == ["building", "building", "part", "part", "part"]
    assert columns["building_id"] == [None, None, buildings.id[1], buildings.id[1], None]


def test_a_building_whose_parts_cannot_be_drawn_is_drawn_itself() -> None:
    buildings = table(2)
    parts = table(1, building_key=["B1"], height=[np.nan], id=["part"])
    tiler = BuildingTiler(FRAME, buildings, parts)
    assert tiler.index().ids == list(buildings.id)
    assert [r.code for r in tiler.refused] == ["GEO-HEIGHT"]


def test_keys_belong_to_their_dataset() -> None:
    buildings = table(2, key=["B", "B"], dataset_id=["one", "two"])
    parts = table(1, building_key=["B"], dataset_id=["two"], id=["part"])
    tiler = BuildingTiler(FRAME, buildings, parts)
    assert [r.id for r in tiler.refused] == [buildings.id[1]]


def test_every_feature_is_in_a_tile_or_refused_with_a_reason() -> None:
    buildings = table(12)
    geoms = buildings["geom"].to_numpy(dtype=object).copy()
    geoms[1], geoms[2], geoms[3] = None, shapely.Polygon(), shapely.Point(1, 1)
    corner = shapely.get_coordinates(geoms[4])[2]
    with np.errstate(invalid="ignore"):
        geoms[4] = shapely.transform(geoms[4], lambda xy: np.where(xy == corner, np.nan, xy))
    geoms[5] = shapely.transform(geoms[5], lambda xy: xy * 1e9)
    buildings["geom"] = geoms
    buildings.loc[6, "height"] = 0.0
    buildings.loc[7, "height"] = -3.0
    buildings.loc[8, "height"] = np.nan
    buildings.loc[9, "height"] = 1e300
    buildings.loc[10, "base_height"] = np.nan
    tiler = BuildingTiler(FRAME, buildings)
    index = tiler.index()
    assert list(index.ids) == [buildings.id[0], buildings.id[11]]
    assert [r.code for r in tiler.refused] == [
        "GEO-EMPTY",
        "GEO-EMPTY",
        "GEO-TYPE",
        "GEO-FINITE",
        "GEO-FINITE",
        "GEO-HEIGHT",
        "GEO-HEIGHT",
        "GEO-HEIGHT",
        "GEO-HEIGHT",
        "GEO-HEIGHT",
    ]
    assert all(r.zh and r.en for r in tiler.refused)
    assert np.isfinite(index.boxes).all()
    encode(tiler.content(np.arange(2)))


def test_a_missing_base_is_the_lowest_z() -> None:
    buildings = table(2)
    buildings["geom"] = shapely.force_3d(buildings["geom"].to_numpy(dtype=object), 7.0)
    given = BuildingTiler(FRAME, buildings.assign(base_height=7.0)).index().boxes
    assert np.array_equal(
        BuildingTiler(FRAME, buildings.assign(base_height=None)).index().boxes, given
    )


def test_nothing_to_draw_is_no_error() -> None:
    tiler = BuildingTiler(FRAME, table(3).iloc[:0], table(3).iloc[:0])
    assert list(tiler.index().ids) == []
    assert tiler.index().boxes.shape == (0, 6)


def test_equal_rows_give_equal_bytes_that_the_validator_accepts(tmp_path: Path) -> None:
    rows = np.arange(0, 60, 2)
    glbs = [encode(BuildingTiler(FRAME, table(60)).content(rows), DEFAULT) for _ in range(2)]
    assert glbs[0] == glbs[1]
    (tmp_path / "default.glb").write_bytes(glbs[0])
    compat = encode(BuildingTiler(FRAME, table(60)).content(rows), COMPAT)
    (tmp_path / "compat.glb").write_bytes(compat)
    report = khronos(sorted(tmp_path.iterdir()))
    assert (report["count"], report["errors"], report["warnings"]) == (2, 0, 0)
