"""Features at their worst, from file to tile: a valid tile comes out, or each is named with why."""

from __future__ import annotations

import json
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import ifcopenshell
import numpy as np
import pyogrio
import pytest
import shapely

from models.db import read
from models.db.connection import connect
from models.features import TABLES
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.testing import khronos
from twin.testing import Program

TWIN = "songjiang-hub"
ANNEX = Path(__file__).resolve().parents[2] / "data-samples/songjiang-hub/hub_annex.ifc"
SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
HOLE = [(2, 2), (4, 2), (4, 4), (2, 4)]
Points = list[tuple[float, float]]
#: Scripts, right to left, joined emoji, a character beyond 16 bits, what HTML, CSV and SQL quote.
NAMES = (
    "松江枢纽", "İstanbul Şehri", "Москва", "القاهرة", "ירושלים", "กรุงเทพฯ", "मुंबई", "서울",
    "𠮷野家", "👨‍👩‍👧‍👦", "<b>&amp;</b><script>alert(1)</script>", '"; DROP TABLE "x',
    "'quoted' \\ back", "line\nbreak\ttab", "\u202egnp.exe", "e\u0301", "x" * 9_000,
)  # fmt: skip
#: Outlines in metres about a place of their own.
OUTLINES: dict[str, list[Points]] = {
    "sound": [SQUARE],
    "clockwise": [SQUARE[::-1]],
    "no area": [[(0, 0), (10, 0), (5, 0)]],
    "one point": [[(1, 1)] * 4],
    "sliver": [[(0, 0), (90, 0), (90, 0.002)]],
    "needle": [[(0, 0), (90, 0), (90, 1e-5)]],
    "spike": [[(0, 0), (10, 0), (10, 10), (5, 10), (5, 40), (5, 10), (0, 10)]],
    "bow tie": [[(0, 0), (10, 10), (10, 0), (0, 10)]],
    "hole as large as the shell": [SQUARE, SQUARE],
    "hole along the shell": [SQUARE, [(0, 0), (5, 0), (5, 5), (0, 5)]],
    "the same hole twice": [SQUARE, HOLE, HOLE],
    "holes that overlap": [SQUARE, HOLE, [(3, 3), (6, 3), (6, 6), (3, 6)]],
    "hole outside": [SQUARE, [(20, 20), (22, 20), (22, 22)]],
    "hole turned like the shell": [SQUARE, HOLE[::-1]],
    "points repeated": [[p for p in SQUARE for _ in range(3)]],
    "far away": [[(x + 4e6, y) for x, y in SQUARE]],
}
ODD: tuple[Any, ...] = (
    *("x", None, -1.0, 0, 1e9, "12.5", True, [3], {"a": 1}, 3.7, 2**53, "１２", "", "1e400"),
)


@pytest.fixture
def program(database: str, tmp_path: Path) -> Program:
    return Program(tmp_path / "home", {"TWIN_DATABASE_URL": database}).here


def feature(key: str, at: int, rings: list[Points], **properties: Any) -> dict[str, Any]:
    """A building about a place of its own; coordinates are degrees."""
    west, south = 121.218 + 0.0012 * (at % 12), 30.980 + 0.0012 * (at // 12)
    closed = [
        [[west + x / 95_600, south + y / 110_850] for x, y in [*ring, ring[0]]] for ring in rings
    ]
    return {
        "type": "Feature",
        "properties": {"id": key, "height": 12.0, "base_height": 4.0, **properties},
        "geometry": {"type": "Polygon", "coordinates": closed},
    }


def accounted(
    program: Program, database: str, folder: Path, layer: str, files: list[Path], keys: list[str]
) -> dict[str, dict[str, Any]]:
    """Deliver ``files``, tile, and see to it that every key is in a valid tile or named with a
    reason; the property table's rows by key. ``keys`` are in the order of the file."""
    ended = program.run("ingest", *files, "--twin", TWIN, "--vertical", "1985", "--json")
    assert ended.returncode in (0, 1, 2), ended.stderr
    assert "Traceback" not in ended.stderr
    answer = json.loads(ended.stdout)
    errors = [f for f in answer["findings"] if f["severity"] == "error"]
    for finding in errors:
        assert finding["zh"] and finding["en"]
    with connect(database, read_only=True) as conn:
        rows = {t: read.read_table(conn, t, TWIN, columns=["key", "id"]) for t in TABLES}
    key_of = {str(i): k for t in rows.values() for k, i in zip(t["key"], t["id"], strict=True)}
    ended = program.run("tile", "--twin", TWIN, "--layer", layer, "--json")
    assert "Traceback" not in ended.stderr
    drawn: dict[str, dict[str, Any]] = {}
    refused: set[str] = set()
    if key_of:
        assert ended.returncode == 0, ended.stderr
        (report,) = json.loads(ended.stdout)
        assert report["features_in"] == len(key_of) == report["in_tiles"] + len(report["refused"])
        for one in report["refused"]:
            assert one["code"] and one["zh"] and one["en"]
            refused.add(key_of[one["id"]])
        store = DirectoryStore(folder / "home" / "tiles" / TWIN / layer)
        uris = [t.uri for t in walk(lambda uri: store.get(uri).decoded()) if t.uri is not None]
        for uri in uris:
            table = Glb(store.get(uri).decoded()).table()
            for row, identity in enumerate(table["id"]):
                drawn[key_of[identity]] = {name: values[row] for name, values in table.items()}
        assert len(drawn) == report["in_tiles"]
        checked = check_tileset(store.path, expected=[str(row["id"]) for row in drawn.values()])
        assert not {f.code for f in checked.findings if f.severity == "error"}, checked.findings
        found = khronos(sorted(store.path.glob("*.glb.gz")))
        assert (found["errors"], found["warnings"]) == (0, 0)
    places = [finding["place"] for finding in errors]
    if files[0].suffix == ".ifc":
        told = {key for key in keys if any(key in str(place["element"]) for place in places)}
    else:
        numbers = {place["row"] for place in places}
        told = {key for number, key in enumerate(keys, 1) if number in numbers}
    assert set(keys) <= {*drawn, *refused, *told}, set(keys) - {*drawn, *refused, *told}
    return drawn


def collection(path: Path, features: list[dict[str, Any]]) -> list[Path]:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return [path]


def test_outlines(program: Program, database: str, tmp_path: Path) -> None:
    features = [feature(key, at, rings) for at, (key, rings) in enumerate(OUTLINES.items())]
    files = collection(tmp_path / "outlines.geojson", features)
    drawn = accounted(program, database, tmp_path, "buildings", files, [*OUTLINES])
    assert {"sound", "clockwise", "sliver", "points repeated", "hole turned like the shell"} <= {
        *drawn
    }
    assert not {"no area", "one point", "far away"} & set(drawn)


def test_attributes_and_names(program: Program, database: str, tmp_path: Path) -> None:
    """Values of any type in known columns and 300 others; names in every script."""
    wide = {f"c{k} <{'列' * (k % 3)}>": ODD[k % len(ODD)] for k in range(300)}
    features = [
        feature(f"name {at}", at, [SQUARE], name=name, function=name, **wide)
        for at, name in enumerate(NAMES)
    ]
    features += [
        feature(f"value {at}", 20 + at, [SQUARE], storeys=odd, name=odd, address=odd, c1=odd)
        for at, odd in enumerate(ODD)
    ]
    features += [
        feature(f"height {at}", 40 + at, [SQUARE], height=odd) for at, odd in enumerate(ODD)
    ]
    keys = [one["properties"]["id"] for one in features]
    files = collection(tmp_path / "values.geojson", features)
    drawn = accounted(program, database, tmp_path, "buildings", files, keys)
    shown = {key: row["name"] for key, row in drawn.items() if key.startswith("name ")}
    assert shown == {f"name {at}": name for at, name in enumerate(NAMES)}
    assert "height 5" in drawn  # 12.5 as text
    assert "height 2" not in drawn  # -1


def test_coordinates_that_are_none(program: Program, database: str, tmp_path: Path) -> None:
    """What GeoJSON cannot hold but a GeoPackage can."""
    square = np.array([*SQUARE, SQUARE[0]], float) + np.array([617_000, 3_430_000])
    wrong = {"NaN": np.nan, "infinite": np.inf, "far": 4e7, "beyond numbers": 1e300}
    shapes: dict[str, Any] = {"sound": shapely.Polygon(square)}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, value in wrong.items():
            ring = square.copy()
            ring[2, 0] = value
            shapes[key] = shapely.Polygon(ring)
        shapes["wholly far"] = shapely.Polygon(square + 4e7)
        shapes |= {"empty": shapely.Polygon(), "none": None, "a line": shapely.LineString(square)}
        apart = shapely.transform(shapes["sound"], lambda xy: xy + 50)
        shapes["parts on each other"] = shapely.MultiPolygon([apart, apart])
        shapes["heights are NaN"] = shapely.Polygon(np.insert(square + 90, 2, np.nan, axis=1))
        pyogrio.write_dataframe(
            gpd.GeoDataFrame(
                {"id": [*shapes], "height": 12.0, "base_height": 4.0},
                geometry=[*shapes.values()],
                crs="EPSG:4549",
            ),
            tmp_path / "wrong.gpkg",
            geometry_type="Unknown",
        )
    files = [tmp_path / "wrong.gpkg"]
    drawn = accounted(program, database, tmp_path, "buildings", files, [*shapes])
    assert set(drawn) == {"sound", "heights are NaN"}


@pytest.mark.parametrize("count", [0, 1])
def test_tables_of_none_and_one(
    program: Program, database: str, tmp_path: Path, count: int
) -> None:
    features = [feature("only", 0, [SQUARE])] * count
    files = collection(tmp_path / "few.geojson", features)
    drawn = accounted(program, database, tmp_path, "buildings", files, ["only"] * count)
    assert len(drawn) == count


def test_bodies(program: Program, database: str, tmp_path: Path) -> None:
    """Shells that are inside out, open, flat, empty, not finite or far from everything."""
    corners = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    bodies = {
        "sound": (corners, faces),
        "inside out": (corners, faces[:, ::-1]),
        "open": (corners, faces[:1]),
        "flat": (corners * (1, 1, 0), faces),
        "the same face twice": (corners, np.vstack([faces, faces])),
        "a line of points": (corners * (1, 0, 0), faces),
        "smaller than a hair": (corners * 1e-5, faces),
        "far from everything": (corners + 4e7, faces),
    }
    model = ifcopenshell.open(ANNEX)
    context = model.by_type("IfcGeometricRepresentationContext")[0]
    walls = model.by_type("IfcWall")[: len(bodies)]
    assert len(walls) == len(bodies)
    for wall, (name, (points, triangles)) in zip(walls, bodies.items(), strict=True):
        wall.Name = f"{name} <&>\"'"
        listed = model.create_entity("IfcCartesianPointList3D", CoordList=points.tolist())
        shell = model.create_entity(
            "IfcTriangulatedFaceSet", Coordinates=listed, CoordIndex=(triangles + 1).tolist()
        )
        wall.Representation.Representations = [
            model.create_entity("IfcShapeRepresentation", context, "Body", "Tessellation", [shell])
        ]
    path = tmp_path / "bodies.ifc"
    model.write(str(path))
    twin = load_twins()[TWIN]
    assert "bim" in twin.layers
    keys = [wall.GlobalId for wall in walls]
    drawn = accounted(program, database, tmp_path, "bim", [path], keys)
    names = {row["name"] for row in drawn.values()}
    for name in ("sound", "inside out", "open", "flat", "the same face twice"):
        assert f"{name} <&>\"'" in names


def hill(path: Path, triangles: int) -> str:
    """The annex with a wall of so many triangles; the wall's key."""
    model = ifcopenshell.open(ANNEX)
    context = model.by_type("IfcGeometricRepresentationContext")[0]
    wall = model.by_type("IfcWall")[0]
    corners = model.create_entity("IfcCartesianPointList3D", CoordList=[[7.0, 7.0, 7.0]])
    shell = model.create_entity(
        "IfcTriangulatedFaceSet", Coordinates=corners, CoordIndex=[[7, 7, 7]]
    )
    wall.Representation.Representations = [
        model.create_entity("IfcShapeRepresentation", context, "Body", "Tessellation", [shell])
    ]
    side = int(np.sqrt(triangles / 2)) + 1
    x, y = (grid.ravel() for grid in np.meshgrid(*[np.linspace(0, 100, side + 1)] * 2))
    first = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel() + 1
    after = first + side + 1
    faces = np.vstack(
        [np.column_stack([first, first + 1, after + 1]), np.column_stack([first, after + 1, after])]
    )
    points = np.column_stack([x, y, np.sin(x) * np.cos(y)])
    listed = ",".join([f"({a:.3f},{b:.3f},{c:.3f})" for a, b, c in points.tolist()])
    text = model.to_string().replace("(7.,7.,7.)", listed)
    text = text.replace("(7,7,7)", ",".join([f"({a},{b},{c})" for a, b, c in faces.tolist()]))
    path.write_text(text)
    return str(wall.GlobalId)


def peak(program: Program, *words: object) -> int:
    """Run a command to its end; bytes of memory of its largest process."""
    with program.start(*words) as process, ThreadPoolExecutor() as pool:
        assert process.stdout is not None and process.stderr is not None
        told = pool.submit(process.stderr.read)
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in (0, 1), told.result()
    return usage.ru_maxrss * 1024


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_wall_of_five_million_triangles(database: str, tmp_path: Path) -> None:
    program = Program(tmp_path / "home", {"TWIN_DATABASE_URL": database})
    path = tmp_path / "hill.ifc"
    hill(path, 5_000_000)
    assert peak(program, "ingest", path, "--twin", TWIN, "--vertical", "1985") < 4 << 30
    assert peak(program, "tile", "--twin", TWIN, "--layer", "bim") < 3 << 30
    store = DirectoryStore(program.home / "tiles" / TWIN / "bim")
    checked = check_tileset(store.path)
    assert set(checked.totals) <= {"TSC-31", "TSC-32", "TSC-34"}, checked.findings
    assert checked.summary.triangles > 5_000_000
    assert checked.summary.contents >= 2  # the others do not wait for it
    found = khronos(sorted(store.path.glob("*.glb.gz")))
    assert (found["errors"], found["warnings"]) == (0, 0)
