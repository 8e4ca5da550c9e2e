"""Deliveries at their worst: a valid tile comes out, or the feature is listed with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon

from models.crs import enu_frame
from models.features import TriangleMesh
from tiles.build import BuildReport, build_layer
from tiles.check import check_tileset
from tiles.content import F64, Column, Content
from tiles.gltf import PROFILES, encode
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.testing import id_column, khronos, random_boxes, solids
from tiles.tilers.base import Tiler
from tiles.tilers.bim import BimTiler
from tiles.tilers.buildings import BuildingTiler
from tiles.tilers.pipes import PipeTiler

FRAME = enu_frame(121.2264, 30.9869, 14.0)
E, N = 617486.771, 3430515.006
SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
HOLE = [(2, 2), (4, 2), (4, 4), (2, 4)]
#: Scripts, right to left, joined emoji, a character beyond 16 bits, what HTML and CSV must quote.
NAMES = (
    "松江枢纽", "İstanbul Şehri", "Москва", "القاهرة", "ירושלים", "กรุงเทพฯ", "मुंबई", "서울",
    "𠮷野家", "👨‍👩‍👧‍👦", "<b>&amp;</b>", '"; DROP TABLE "x', "a\u0000b", "line\nbreak\ttab",
    "\u202egnp.exe", "e\u0301", "x" * 70_000,
)  # fmt: skip


def moved(*rings: list[tuple[float, float]]) -> Polygon:
    origin = np.array([E, N])
    with np.errstate(invalid="ignore"):  # NaN is meant where it occurs
        shell, *holes = [np.array(ring, float) + origin for ring in rings]
        return Polygon(shell, holes)


def report(tiler: Tiler, folder: Path, profile: str = "default") -> tuple[BuildReport, list[str]]:
    """Build, look at the result with the linter and the Khronos validator; ids in the tiles."""
    store = DirectoryStore(folder)
    built = build_layer(tiler, store, profile=PROFILES[profile])
    assert built.features_in == built.in_tiles + len(built.refused)
    for one in built.refused:
        assert one.code.startswith(("GEO-", "SKIP-"))
        assert len(one.zh) > 10 and len(one.en) > 10
    ids: list[str] = []
    for tile in walk(lambda uri: store.get(uri).decoded()):
        if tile.uri is not None:
            ids += Glb(store.get(tile.uri).decoded()).table()["id"]
    checked = check_tileset(folder, expected=ids)
    assert set(checked.totals) <= {"TSC-31", "TSC-32"}, checked.findings
    files = sorted(folder.glob("*.glb.gz"))
    if files:
        found = khronos(files)
        assert (found["errors"], found["warnings"]) == (0, 0)
    return built, ids


def building(key: str, geom: object, **more: object) -> dict[str, object]:
    return {"id": key, "key": key, "geom": geom, "height": 9.0, "base_height": 4.0, **more}


FOOTPRINTS: dict[str, tuple[object, str | None]] = {
    "sound": (moved(SQUARE), None),
    "clockwise": (moved(SQUARE[::-1]), None),
    "no area": (moved([(0, 0), (10, 0), (5, 0)]), "GEO-AREA"),
    "one point": (moved([(1, 1)] * 4), "GEO-AREA"),
    "sliver": (moved([(0, 0), (100, 0), (100, 0.002)]), None),
    "needle below the resolution": (moved([(0, 0), (100, 0), (100, 1e-5)]), "GEO-AREA"),
    "spike": (moved([(0, 0), (10, 0), (10, 10), (5, 10), (5, 40), (5, 10), (0, 10)]), None),
    "bow tie": (moved([(0, 0), (10, 10), (10, 0), (0, 10)]), None),
    "hole as large as the shell": (moved(SQUARE, SQUARE), "GEO-AREA"),
    "hole along the shell": (moved(SQUARE, [(0, 0), (5, 0), (5, 5), (0, 5)]), None),
    "the same hole twice": (moved(SQUARE, HOLE, HOLE), None),
    "holes that overlap": (moved(SQUARE, HOLE, [(3, 3), (6, 3), (6, 6), (3, 6)]), None),
    "hole outside": (moved(SQUARE, [(20, 20), (22, 20), (22, 22)]), None),
    "hole clockwise and not": (moved(SQUARE, HOLE[::-1]), None),
    "parts on each other": (MultiPolygon([moved(SQUARE), moved(SQUARE)]), None),
    "NaN": (moved([(0, 0), (10, 0), (float("nan"), 10)]), "GEO-FINITE"),
    "infinite": (moved([(0, 0), (10, 0), (float("inf"), 10)]), "GEO-FINITE"),
    "far away": (shapely.transform(moved(SQUARE), lambda xy: xy + 4e7), "GEO-FINITE"),
    "at the origin of the CRS": (Polygon(SQUARE), "GEO-FINITE"),
    "empty": (Polygon(), "GEO-EMPTY"),
    "missing": (None, "GEO-EMPTY"),
    "a line": (LineString([(E, N), (E + 5, N)]), "GEO-TYPE"),
    "text": ("POLYGON((0 0,1 0,1 1,0 0))", "GEO-EMPTY"),
}


def test_footprints(tmp_path: Path) -> None:
    with np.errstate(invalid="ignore"):
        rows = [building(key, geom) for key, (geom, _) in FOOTPRINTS.items()]
        built, ids = report(BuildingTiler(FRAME, pd.DataFrame(rows, dtype=object)), tmp_path)
    refused = {one.id: one.code for one in built.refused}
    assert {**dict.fromkeys(ids), **refused} == {k: code for k, (_, code) in FOOTPRINTS.items()}


def test_heights_and_attributes_of_any_type(tmp_path: Path) -> None:
    strange: list[Any] = ["x", None, np.nan, np.inf, -1.0, 0, 1e9, "12.5", True, [3], b"7", "１２"]
    rows = [building(f"height {k}", moved(SQUARE), height=v) for k, v in enumerate(strange)]
    rows += [
        building(f"value {k}", moved(SQUARE), storeys=v, name=v, built=v, function=v, address=v)
        for k, v in enumerate([*strange, {"a": 1}, 3.7, "\ud800", pd.NaT, pd.Timestamp(0), 2**70])
    ]
    built, ids = report(BuildingTiler(FRAME, pd.DataFrame(rows, dtype=object)), tmp_path)
    assert {one.code for one in built.refused} == {"GEO-HEIGHT"}
    assert {i for i in ids if i.startswith("value")} == {f"value {k}" for k in range(18)}
    assert {"height 7", "height 8"} <= set(ids)


@pytest.mark.parametrize("count", [0, 1])
def test_tables_of_none_and_one(tmp_path: Path, count: int) -> None:
    rows = pd.DataFrame([building("a", moved(SQUARE))] * count)
    lines = pd.DataFrame(
        [{"id": "l", "lno": "1", "geom": LineString([(E, N, 1), (E + 9, N, 1)])}] * count
    )
    tilers = [
        BuildingTiler(FRAME, rows),
        PipeTiler(FRAME, lines, pd.DataFrame({"id": [], "exp_no": [], "geom": []})),
        PipeTiler(FRAME, pd.DataFrame({"id": [], "geom": []}), pd.DataFrame({"id": []})),
        BimTiler(FRAME, pd.DataFrame({"id": []}), {}),
    ]
    for at, tiler in enumerate(tilers):
        built, ids = report(tiler, tmp_path / str(at))
        assert len(ids) == built.in_tiles == (count if at < 2 else 0)


def test_names_in_every_script(tmp_path: Path) -> None:
    rows = [
        building(f"id {name}"[:60] + str(k), moved(SQUARE), name=name, function=name)
        for k, name in enumerate(NAMES)
    ]
    store = DirectoryStore(tmp_path)
    _, ids = report(BuildingTiler(FRAME, pd.DataFrame(rows)), tmp_path)
    (uri,) = [tile.uri for tile in walk(lambda uri: store.get(uri).decoded())]
    table = Glb(store.get(str(uri)).decoded()).table()
    assert dict(zip(table["id"], table["name"], strict=True)) == {r["id"]: r["name"] for r in rows}
    assert sorted(ids) == sorted(str(r["id"]) for r in rows)


def line(*points: tuple[float, float, float]) -> LineString:
    with np.errstate(invalid="ignore"):
        return LineString(points)


SEGMENTS: dict[str, tuple[object, str | None]] = {
    "sound": (LineString([(E, N, 1), (E + 9, N, 1)]), None),
    "upright": (LineString([(E, N, 1), (E, N, 4)]), None),
    "points repeated": (LineString([(E, N, 1), (E, N, 1), (E + 9, N, 1), (E + 9, N, 1)]), None),
    "back on itself": (LineString([(E, N, 1), (E + 9, N, 1), (E, N, 1)]), None),
    "a loop": (LineString([(E, N, 1), (E + 9, N, 1), (E + 9, N + 9, 1), (E, N, 1)]), None),
    "no length": (LineString([(E, N, 1), (E, N, 1)]), "GEO-LENGTH"),
    "no height": (LineString([(E, N), (E + 9, N)]), "GEO-FINITE"),
    "NaN": (line((E, N, 1), (np.nan, N, 1)), "GEO-FINITE"),
    "far away": (LineString([(E, N, 1), (4e7, 4e7, 1)]), "GEO-FINITE"),
    "100 km": (LineString([(E - 5e4, N, 1), (E + 5e4, N, 1)]), None),
    "a point": (Point(E, N, 1), "GEO-TYPE"),
    "empty": (LineString(), "GEO-EMPTY"),
}


def test_segments_and_points(tmp_path: Path) -> None:
    sizes: list[Any] = [300, "x", -5, 1e9, None, np.nan, [1], "400", 0, 12, 300, 300]
    with np.errstate(invalid="ignore"):
        lines = [
            {"id": key, "lno": key, "geom": geom, "class_code": code, "width_mm": size,
             "shape": form}
            for (key, (geom, _)), size, code, form in zip(
                SEGMENTS.items(), sizes, ["YS", "??", None, 7] * 3, ["round", "rect", "egg", 5] * 3,
                strict=True,
            )
        ]  # fmt: skip
        spots = [
            {"id": "point", "exp_no": "1", "geom": Point(E, N, 4), "appurtenance": "窨井",
             "well_depth": "deep", "cover_size": "<700>"},
            {"id": "no point", "exp_no": "1", "geom": Point(), "well_depth": 3},
            {"id": "a polygon", "exp_no": "2", "geom": moved(SQUARE)},
            {"id": "far point", "exp_no": None, "geom": Point(1e12, 5, 4)},
        ]  # fmt: skip
        tiler = PipeTiler(
            FRAME, pd.DataFrame(lines, dtype=object), pd.DataFrame(spots, dtype=object)
        )
        built, ids = report(tiler, tmp_path)
    refused = {one.id: one.code for one in built.refused}
    expected = {k: code for k, (_, code) in SEGMENTS.items()}
    expected |= {"point": None, "no point": "GEO-EMPTY", "a polygon": "GEO-TYPE"}
    assert {**dict.fromkeys(ids), **refused} == expected | {"far point": "GEO-FINITE"}


TRIANGLE = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint32)


def body(positions: F64, faces: np.ndarray, materials: int | None = None) -> TriangleMesh:
    count = len(faces) if materials is None else materials
    grey = np.array([[0.5, 0.5, 0.5, 1.0]], np.float32)
    return TriangleMesh(positions, faces, np.zeros(count, np.uint16), grey, ("grey",))


BODIES: dict[str, tuple[TriangleMesh, str | None]] = {
    "sound": (body(TRIANGLE, FACES), None),
    "inside out": (body(TRIANGLE, FACES[:, ::-1]), None),
    "open": (body(TRIANGLE, FACES[:1]), None),
    "flat as a sheet": (body(TRIANGLE * (1, 1, 0), FACES), None),
    "the same face twice": (body(TRIANGLE, np.vstack([FACES, FACES])), None),
    "some faces without area": (body(TRIANGLE, np.vstack([FACES, [[0, 0, 1]]])), None),
    "only faces without area": (body(TRIANGLE, np.array([[0, 0, 1]], np.uint32)), "GEO-MESH"),
    "a line of points": (body(TRIANGLE * (1, 0, 0), FACES), "GEO-MESH"),
    "NaN": (body(TRIANGLE * (1, 1, np.nan), FACES), "GEO-MESH"),
    "index beyond": (body(TRIANGLE, FACES + 3), "GEO-MESH"),
    "nothing": (body(TRIANGLE[:0], FACES[:0]), "GEO-MESH"),
    "too few materials": (body(TRIANGLE, FACES, 2), "GEO-MESH"),
    "far from its own origin": (body(TRIANGLE + 4e6, FACES), "GEO-FINITE"),
    "smaller than a hair": (body(TRIANGLE * 1e-5, FACES), None),
}


def element(key: str, mesh: str, placement: object) -> dict[str, object]:
    return {
        "id": key,
        "global_id": key,
        "ifc_class": "IfcWall",
        "mesh": mesh,
        "placement": placement,
    }


def place(*scale: float) -> list[float]:
    matrix = np.diag([*(scale or (1.0, 1.0, 1.0)), 1.0])
    matrix[:3, 3] = E, N, 5.0
    return [float(v) for v in matrix.ravel()]


def test_bodies_and_placements(tmp_path: Path) -> None:
    rows = [element(key, key, place()) for key in BODIES]
    placements: dict[str, tuple[object, str | None]] = {
        "mirrored": (place(-1, 1, 1), None),
        "stretched": (place(1, 50, 1), None),
        "flattened": (place(1, 1, 0), "GEO-PLACEMENT"),
        "short": ([1.0] * 12, "GEO-PLACEMENT"),
        "none": (None, "GEO-PLACEMENT"),
        "not a number": ([np.nan] * 16, "GEO-PLACEMENT"),
        "text": ("1 0 0 0", "GEO-PLACEMENT"),
        "on the moon": ([*np.eye(4).ravel()[:3], 4e8, *np.eye(4).ravel()[4:]], "GEO-FINITE"),
    }
    rows += [element(key, "sound", matrix) for key, (matrix, _) in placements.items()]
    meshes = {key: mesh for key, (mesh, _) in BODIES.items()}
    built, ids = report(BimTiler(FRAME, pd.DataFrame(rows, dtype=object), meshes), tmp_path)
    refused = {one.id: one.code for one in built.refused}
    expected = {k: code for k, (_, code) in {**BODIES, **placements}.items()}
    assert {**dict.fromkeys(ids), **refused} == expected


def hill(triangles: int) -> TriangleMesh:
    side = int(np.sqrt(triangles / 2)) + 1
    x, y = np.meshgrid(np.linspace(0, 100, side + 1), np.linspace(0, 100, side + 1))
    positions = np.column_stack([x.ravel(), y.ravel(), (np.sin(x) * np.cos(y)).ravel()])
    i = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel()
    after = i + side + 1
    faces = np.vstack(
        [np.column_stack([i, i + 1, after + 1]), np.column_stack([i, after + 1, after])]
    )
    return body(positions, faces.astype(np.uint32))


@pytest.mark.parametrize(
    "triangles",
    [150_000, pytest.param(5_000_000, marks=[pytest.mark.long, pytest.mark.timeout(1200)])],
)
def test_one_huge_feature_beside_small_ones(tmp_path: Path, triangles: int) -> None:
    rows = [element("huge", "hill", place())] + [
        element(str(k), "small", place()) for k in range(9)
    ]
    meshes = {"hill": hill(triangles), "small": body(TRIANGLE, FACES)}
    tiler = BimTiler(FRAME, pd.DataFrame(rows), meshes)
    store = DirectoryStore(tmp_path)
    built = build_layer(tiler, store)
    assert (built.in_tiles, built.refused) == (10, ())
    summary = check_tileset(tmp_path).summary
    assert summary.features == 10
    assert summary.triangles >= triangles
    assert summary.contents >= 2  # the small ones do not wait for the huge one


def test_three_hundred_columns(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    more = [
        Column(f"c{k}", f"列 “{k}” <b>", f"Column '{k}' <{k}>", "FLOAT32", random.random(40))
        if k % 2
        else Column(f"c{k}", "名", "Name", "STRING", [f"{k} {NAMES[k % 12]}"] * 40)
        for k in range(300)
    ]
    content = Content("wide", [id_column(40), *more], [solids(random_boxes(40))])
    for name, profile in PROFILES.items():
        glb = encode(content, profile)
        (tmp_path / f"{name}.glb").write_bytes(glb)
        assert len(Glb(glb).table()) == 301
        assert Glb(glb).table()["c2"] == [f"2 {NAMES[2]}"] * 40
    found = khronos(sorted(tmp_path.iterdir()))
    assert (found["count"], found["errors"], found["warnings"]) == (3, 0, 0)
