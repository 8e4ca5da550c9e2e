"""Files that cannot be used, delivered with a good one: refused, explained, and nothing stored."""

from __future__ import annotations

import json
import math
import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ifcopenshell
import numpy as np
import pyogrio
import pytest
import shapely
import yaml

from ingest.testing import require_complete, run_of, workbook
from models.db import read
from models.db.connection import connect
from models.features import TABLES
from models.findings import Finding, Place
from twin.testing import Program

DATA = Path(__file__).resolve().parents[2] / "data-samples"
PLANTED = DATA / "planted"
TWIN = "songjiang-hub"
X, Y = 617_000.0, 3_430_000.0
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(database: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command line in this process on a fresh database: exit status and JSON."""
    home = tmp_path_factory.mktemp("home")
    command = Program(home, {"TWIN_DATABASE_URL": database}).here

    def run(*args: object) -> tuple[int, Any]:
        ended = command.run(*args, "--json")
        assert "Traceback" not in ended.stderr
        printed = json.loads(ended.stdout) if ended.stdout else {"error": ended.stderr}
        return ended.returncode, printed

    return run


def stored(database: str) -> dict[str, set[str]]:
    """Keys of all features of the twin, by table."""
    with connect(database, read_only=True) as conn:
        return {t: set(read.read_table(conn, t, TWIN, columns=["key"])["key"]) for t in TABLES}


def square(number: int, size: float = 0.0002) -> list[list[float]]:
    x, y = 121.22 + number * 0.0004, 30.985
    return [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]


def building(key: str, rings: Any = ..., **properties: Any) -> dict[str, Any]:
    rings = [square(sum(key.encode()) % 40)] if rings is ... else rings
    geometry = {"type": "Polygon", "coordinates": rings} if rings is not None else None
    return {
        "type": "Feature",
        "properties": {"id": key, "height": 12.0, **properties},
        "geometry": geometry,
    }


def geojson(path: Path, *features: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def with_nan(folder: Path) -> list[Path]:
    corners = np.array([(X, Y), (X + 9, math.nan), (X + 9, Y + 9), (X, Y)])
    with np.errstate(invalid="ignore"):
        shape = shapely.Polygon(corners)
        return [squares(folder / "bad.gpkg", "GPKG", "EPSG:4549", [shape])]


def squares(path: Path, driver: str, crs: str | None, geometry: Sequence[Any] = ()) -> Path:
    shapes = list(geometry) or [shapely.box(X, Y, X + 20, Y + 20)]
    names = np.array([f"s{i}" for i in range(len(shapes))], dtype=object)
    heights = np.full(len(shapes), 9.0)
    with warnings.catch_warnings():  # that no CRS is given is meant
        warnings.simplefilter("ignore", UserWarning)
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapes),
            [names, heights],
            ["id", "height"],
            geometry_type="Polygon",
            crs=crs,
            driver=driver,
        )
    return path


def planted(name: str) -> Callable[[Path], list[Path]]:
    return lambda folder: [Path(shutil.copy(PLANTED / name, folder))]


def ifc(edit: Callable[[bytes], bytes]) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        path = folder / "bad.ifc"
        path.write_bytes(edit((DATA / "songjiang-hub/hub_annex.ifc").read_bytes()))
        return [path]

    return write


def content(name: str, data: bytes) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        (folder / name).write_bytes(data)
        return [folder / name]

    return write


def shapefile(*without: str) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        squares(folder / "bad.shp", "ESRI Shapefile", "EPSG:4549")
        for suffix in without:
            (folder / f"bad{suffix}").unlink()
        return sorted(folder.glob("bad.*"))

    return write


def rows(*features: dict[str, Any]) -> Callable[[Path], list[Path]]:
    return lambda folder: [geojson(folder / "bad.geojson", *features)]


def wide_survey(folder: Path) -> list[Path]:
    for kind in ("点表", "线表"):
        path = folder / f"JS_{kind}.csv"
        path.write_text(",".join(f"列{i}" for i in range(10_000)) + "\n", "utf-8")
    return sorted(folder.glob("JS_*.csv"))


@dataclass(frozen=True)
class Case:
    """How the files are made, and the code that must be among the errors."""

    write: Callable[[Path], list[Path]]
    code: str
    options: tuple[str, ...] = ()
    row: bool = False  # the finding names a row or an element


BOW = [[121.22, 30.985], [121.221, 30.986], [121.221, 30.985], [121.22, 30.986], [121.22, 30.985]]
CASES = {
    "no CRS, survey": Case(planted("no_crs.xlsx"), "MET-01"),
    "no CRS, GeoPackage": Case(
        lambda folder: [squares(folder / "bad.gpkg", "GPKG", None)], "MET-01"
    ),
    "no vertical datum": Case(planted("no_vertical_datum.xlsx"), "MET-01"),
    "Wusong without offset": Case(planted("wusong_without_offset.xlsx"), "MET-01"),
    "swapped X and Y": Case(planted("swapped_xy.xlsx"), "CRS-01"),
    "zone prefix": Case(planted("zone_prefix.xlsx"), "CRS-02"),
    "missing column": Case(planted("missing_column.xlsx"), "STR-01"),
    "header twice": Case(planted("duplicate_header.xlsx"), "STR-01"),
    "empty sheets": Case(planted("empty_sheets.xlsx"), "STR-08"),
    "half-written XLSX": Case(planted("half_written.xlsx"), "STR-00"),
    "no workbook": Case(planted("not_a_workbook.xlsx"), "STR-00"),
    "wrong encoding": Case(
        lambda folder: [Path(shutil.copy(p, folder)) for p in sorted(PLANTED.glob("RQ_*.csv"))],
        "STR-00",
    ),
    "truncated IFC": Case(ifc(lambda data: data[: len(data) // 2]), "IFC-02"),
    "IFC4X3_RC3": Case(ifc(lambda data: data.replace(b"'IFC4'", b"'IFC4X3_RC3'", 1)), "IFC-03"),
    "no IFC": Case(content("bad.ifc", b"\x89PNG\r\n\x1a\n" + bytes(500)), "IFC-01"),
    "self-intersecting": Case(rows(building("bow", [BOW])), "GEO-05", row=True),
    "height of zero": Case(rows(building("zero", height=0)), "BLD-02", row=True),
    "negative height": Case(rows(building("neg", height=-3.5)), "BLD-02", row=True),
    "text for a height": Case(rows(building("text", height="about 12 m")), "BLD-02", row=True),
    "null geometry": Case(rows(building("null", None)), "GEO-01", row=True),
    "empty geometry": Case(rows(building("empty", [])), "GEO-01", row=True),
    "NaN": Case(with_nan, "GEO-04", row=True),
    "infinity": Case(rows(building("inf", height=math.inf)), "BLD-02", row=True),
    "far away": Case(rows(building("far", [[[1, 1], [2, 1], [2, 2], [1, 1]]])), "CRS-02"),
    "Shapefile without .prj": Case(shapefile(".prj"), "MET-01"),
    "Shapefile without .dbf": Case(shapefile(".dbf"), "STR-00"),
    "ten thousand columns, survey": Case(wide_survey, "STR-00"),
    "ten thousand columns, GeoJSON": Case(
        rows(building("wide", **{f"c{i}": i for i in range(10_000)})), "STR-02"
    ),
    "a ZIP named GeoJSON": Case(content("bad.geojson", b"PK\x03\x04" + bytes(300)), "STR-00"),
    "half a GeoJSON": Case(content("bad.geojson", b'{"type": "FeatureColl'), "STR-00"),
    "an unknown format": Case(content("bad.dwg", b"AC1032" + bytes(300)), "STR-00"),
    "an empty file": Case(content("bad.csv", b""), "STR-08"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_refused_beside_a_good_file(case: Case, run: Run, database: str, tmp_path: Path) -> None:
    good = geojson(tmp_path / "good.geojson", building("good-1"), building("good-2"))
    folder = tmp_path / "bad"
    folder.mkdir()
    bad = case.write(folder)
    options = ("--twin", TWIN, "--vertical", "1985", *case.options)
    if any(path.suffix in (".xlsx", ".csv") for path in bad):
        options = ("--twin", TWIN)  # what these files declare is what is tried
        good = workbook(tmp_path / "good.xlsx", *run_of(3))

    status, alone = run("check", *bad, *options)
    assert status == 2
    explained(alone, bad, case)

    status, both = run("ingest", *bad, good, *options)
    assert status == 1
    explained(both, bad, case)
    outcomes = {name: outcome for outcome in both["files"] for name in outcome["files"]}
    assert outcomes[good.name]["stored"]["new"]
    for path in bad:
        if path.name in outcomes:
            assert outcomes[path.name]["stored"] is None
    kept = stored(database)
    if good.suffix == ".geojson":
        assert {t: keys for t, keys in kept.items() if keys} == {"building": {"good-1", "good-2"}}
    else:
        assert sum(map(len, kept.values())) == outcomes[good.name]["features_in"]


def explained(answer: dict[str, Any], bad: list[Path], case: Case) -> None:
    """One error has the case's code, and every one says in both languages what a person needs."""
    names = {path.name for path in bad}
    errors = [f for f in answer["findings"] if f["severity"] == "error"]
    assert case.code in {error["code"] for error in errors}, answer["findings"]
    for error in errors:
        assert error["place"]["file"] in names
        assert any(name in error["zh"] and name in error["en"] for name in names)
        require_complete(Finding(**{**error, "place": Place(**error["place"])}))
        if case.row and error["code"] == case.code:
            assert error["place"]["row"] or error["place"]["element"]


def endless_ifc(path: Path) -> Path:
    """The annex with a body in thirty steps, each the union of the one before with itself: a few
    lines to read, and 2^30 blocks to join."""
    model = ifcopenshell.open(DATA / "songjiang-hub/hub_annex.ifc")
    context = model.by_type("IfcGeometricRepresentationContext")[0]
    origin = model.create_entity("IfcCartesianPoint", (0.0, 0.0, 0.0))
    frame = model.create_entity("IfcAxis2Placement3D", origin)
    body = model.create_entity("IfcBlock", frame, 1.0, 1.0, 1.0)
    for _ in range(30):
        body = model.create_entity("IfcBooleanResult", "UNION", body, body)
    shape = model.create_entity("IfcShapeRepresentation", context, "Body", "CSG", [body])
    element = next(e for e in model.by_type("IfcBuildingElement") if e.Representation)
    element.Representation = model.create_entity("IfcProductDefinitionShape", None, None, [shape])
    model.write(str(path))
    return path


def test_a_model_that_never_finishes_is_stopped(run: Run, database: str, tmp_path: Path) -> None:
    endless = endless_ifc(tmp_path / "endless.ifc")
    good = DATA / "songjiang-hub/pipes.xlsx"
    status, answer = run("ingest", endless, good, "--twin", TWIN, "--time-limit", 5)
    assert status == 1
    explained(answer, [endless], Case(lambda folder: [], "IFC-10"))
    kept = stored(database)
    assert not kept["bim_element"]
    assert kept["pipe_segment"]


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(
    run: Run, database: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.geojson")
    good = geojson(tmp_path / "good.geojson", building("good-1"))
    paths = (tmp_path / "pipe.geojson", good)
    status, answer = run("ingest", *paths, "--twin", TWIN, "--vertical", "1985")
    assert status == 1
    (finding,) = [f for f in answer["findings"] if f["severity"] == "error"]
    assert (finding["code"], finding["found"]) == ("STR-00", "非普通文件 not a regular file")
    require_complete(Finding(**{**finding, "place": Place(**finding["place"])}))
    assert stored(database)["building"] == {"good-1"}


def test_a_thousand_holes_are_a_footprint(run: Run, database: str, tmp_path: Path) -> None:
    x, y = 121.22, 30.985
    outer = [[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]
    steps = [(x + 0.0003 * (i + 1), y + 0.0003 * (j + 1)) for i in range(32) for j in range(32)]
    holes = [
        [[a, b], [a, b + 0.0001], [a + 0.0001, b + 0.0001], [a + 0.0001, b], [a, b]]
        for a, b in steps[:1000]
    ]
    sieve = geojson(tmp_path / "sieve.geojson", building("sieve", [outer, *holes]))
    assert run("ingest", sieve, "--twin", TWIN, "--vertical", "1985")[0] == 0
    with connect(database, read_only=True) as conn:
        (shape,) = read.read_table(conn, "building", TWIN)["geom"]
    assert shapely.get_num_interior_rings(shapely.get_geometry(shape, 0)) == 1000
    status, reports = run("tile", "--twin", TWIN)
    assert status == 0
    assert [(r["features_in"], r["in_tiles"]) for r in reports] == [(1, 1)]


def test_planted_mistakes_are_found_and_their_rows_not_stored(run: Run, database: str) -> None:
    name = "survey_with_mistakes.xlsx"
    expected = yaml.safe_load((PLANTED / "expected.yaml").read_text("utf-8"))["findings"]
    status, answer = run("ingest", PLANTED / name, "--twin", TWIN)
    assert status == 1
    found = {
        (f["code"], f["severity"], f["place"]["sheet"], f["place"]["row"])
        for f in answer["findings"]
    }
    wanted = {(e["code"], e["severity"], e["sheet"], e["row"]) for e in expected}
    assert wanted <= found
    refused = {(sheet, row) for _, severity, sheet, row in found if severity == "error"}
    with connect(database, read_only=True) as conn:
        for table in ("pipe_point", "pipe_segment"):
            kept = read.read_table(conn, table, TWIN, columns=["source_sheet", "source_row"])
            assert len(kept)
            assert not refused & set(
                zip(kept["source_sheet"], kept["source_row"].astype(int), strict=True)
            )
