"""Every file of the shared samples, from the file to the tile: N in = N out.

How many features, points and triangles a file has is asked of libraries that are not ours, what is
drawn of them of :mod:`tests.flow.tileset_reader`. What ingest refuses is listed with its finding.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import rasterio
import yaml
from psycopg import sql
from pyproj import Transformer

from models.db import provision, read
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.features import THEME_TABLES, Theme
from tests.flow.sample_counts import drains, footprints, mains, one, points, products, triangles
from tests.flow.tileset_reader import count as counted
from tests.flow.tileset_reader import read as unpacked
from tiles.check import check_tileset
from tiles.testing import khronos
from twin.testing import Program

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"
EGM96 = ("--vertical", "egm96")  # hardly any file names its vertical datum
FEET = (*EGM96, "--crs", "EPSG:2992")

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="../shared/samples is not there: files by others, not ours to ship"
)


@dataclass(frozen=True)
class Sample:
    """A file that ingest takes: its layer, how another program counts it, the storage CRS of its
    region, the middle of the twin (degrees) and how far that reaches, the ground (m), what is
    declared, and codes of what is refused or not drawn. ``renamed``: see :func:`delivered`."""

    file: str
    layer: str
    count: Callable[[Path], int]
    srid: int
    place: tuple[float, float]
    ground: float
    options: tuple[str, ...] = EGM96
    reach: float = 0.03
    refused: dict[str, int] = field(default_factory=dict)
    undrawn: dict[str, int] = field(default_factory=dict)
    renamed: bool = False
    long: bool = False


def feet(east: int, north: int) -> tuple[str, ...]:
    """Declares a plan of a network in feet, with its false easting and northing in metres."""
    plane = f"+proj=tmerc +lat_0=31 +lon_0=121.2 +x_0={east} +y_0={north} +ellps=GRS80"
    return (*EGM96, "--crs", f"{plane} +towgs84=0,0,0 +units=us-ft")


SHANGHAI = (121.2, 31.0)
PACIFIC = (179.0793, -8.4615)  # 729013 E, 9063992 N of UTM zone 60 S

ACCEPTED = (
    Sample(
        "buildings/footprints_with_height.geojson",
        "buildings",
        footprints,
        6677,
        (139.7132, 35.5488),
        5.0,
        refused={"GEO-05": 3},  # they cross themselves
        long=True,
    ),
    Sample(
        "ifc/AC20-FZK-Haus.ifc",
        "bim",
        products,
        25832,
        (8.4365, 49.1004),
        110.0,
        undrawn={"SKIP-BODY": 4, "SKIP-CLASS": 41},
        long=True,
    ),
    Sample(
        "ifc/building-architecture.ifc",
        "bim",
        products,
        32760,
        PACIFIC,
        1.3,
        undrawn={"SKIP-BODY": 9, "SKIP-CLASS": 3},
        long=True,
    ),
    Sample(
        "ifc/infra-bridge.ifc",
        "bim",
        products,
        32760,
        PACIFIC,
        0.0,
        undrawn={"SKIP-BODY": 30},
        long=True,
    ),
    Sample(
        "ifc/DrainageSystem-1-2.ifc",
        "bim",
        products,
        3878,
        (24.489, 61.998),
        125.0,
        (*EGM96, "--crs", "EPSG:3878"),
        undrawn={"SKIP-BODY": 27},
        renamed=True,
    ),
    Sample(
        "ifc/MCON-2.ifc",
        "bim",
        products,
        3878,
        (24.49, 62.0),
        125.0,
        undrawn={"SKIP-BODY": 131, "SKIP-CLASS": 27},
        renamed=True,
        long=True,
    ),
    Sample("pointcloud/epsg_4326.las", "pointcloud", points, 32615, (-94.672, 31.042), 60.0),
    Sample(
        "mesh/tour_part_dieu_0.obj",
        "mesh",
        triangles,
        32631,
        (4.8536, 45.7609),
        170.0,
        (*EGM96, "--crs", "EPSG:3946", "--offset", "5175104,1844179,170", "--up", "z"),
    ),
    Sample(
        "raster/cog_nodata_nan.tif",
        "terrain",
        one,
        32610,
        (-122.27, 47.35),
        100.0,
        ("--vertical", "ellipsoidal"),
        long=True,
    ),
    # EPANET has heights of junctions only, SWMM none of pumps and weirs: neither is guessed
    Sample(
        "underground/Net3.inp",
        "pipes",
        mains,
        4549,
        SHANGHAI,
        4.0,
        feet(0, 0),
        reach=0.1,
        refused={"STR-02": 7, "STR-03": 121},
    ),
    Sample(
        "underground/ky4.inp",
        "pipes",
        mains,
        4549,
        SHANGHAI,
        4.0,
        feet(1_514_000, 1_189_500),
        reach=0.1,
        refused={"STR-02": 7, "STR-03": 1160},
        long=True,
    ),
    Sample(
        "underground/swmm_xy.inp",
        "pipes",
        drains,
        4549,
        SHANGHAI,
        4.0,
        feet(837_300, 340_750),
        reach=0.1,
        refused={"STR-02": 2, "STR-03": 4},
    ),
)
DECLARED = ("--crs", "EPSG:4549", "--vertical", "1985")
#: What is not taken: paths or patterns, the codes of the errors, and what is declared.
REFUSED: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "citygml/*.gml": ({"STR-00"}, DECLARED),
    "cityjson/*.json*": ({"STR-00"}, DECLARED),
    "cityjson/rotterdam/*.json": ({"STR-00"}, DECLARED),
    "dxf/*": ({"STR-00"}, DECLARED),  # no drawings of pipes
    "ifc/Georeferencing-Tin-12d-2.ifc": ({"IFC-03"}, EGM96),  # a draft schema, as it is
    "ifc/DrainageSystem-1-2.ifc": ({"IFC-03"}, EGM96),
    "ifc/MCON-2.ifc": ({"IFC-03"}, EGM96),
    # nowhere, damaged, placed twice, without elements
    "ifc/gherkin/fail-*.ifc": ({"MET-01", "IFC-02", "IFC-04", "IFC-09"}, EGM96),
    "ifc/gherkin/pass-alb*.ifc": ({"MET-01"}, EGM96),
    "ifc/gherkin/pass-gem*.ifc": ({"MET-01"}, EGM96),
    "ifc/gherkin/pass-grf000-*.ifc": ({"MET-01"}, (*EGM96, "--twin", "qianwan")),
    "ifc/gherkin/pass-grf001-*.ifc": ({"IFC-09"}, EGM96),
    "mesh/DA12_subset.slpk": ({"ARC-05", "STR-00", "STR-08"}, DECLARED),
    "osm/*": ({"STR-00"}, DECLARED),
    "pointcloud/1.2-with-color.las": ({"PTC-02"}, FEET),
    "pointcloud/autzen_trim.laz": ({"PTC-02"}, EGM96),
    "pointcloud/hextest.las": ({"PTC-03"}, DECLARED),  # about the origin
    "pointcloud/lone-star.copc.laz": ({"MET-01"}, EGM96),  # geocentric, by its own word
    "pointcloud/simple.la[sz]": ({"PTC-02"}, FEET),
    "raster/cog.tif": ({"CRS-02"}, EGM96),  # reaches beyond its own zone
    "raster/nocog.tif": ({"CRS-02"}, EGM96),
    "raster/cog_rgb*.tif": ({"DEM-01"}, EGM96),
    "raster/pix4d_alpha_nodata.tif": ({"DEM-01"}, EGM96),
    "sensors": ({"STR-00"}, DECLARED),
    "shanghai/*": ({"STR-00"}, DECLARED),
    "underground/ky4_elevation.tif": ({"MET-01"}, EGM96),  # NAD83: no shift is known well enough
}
#: Each of many files is read in a process of its own.
SLOW = {name for name in REFUSED if name.startswith(("sensors", "dxf", "ifc/gherkin"))}
#: No deliveries of their own: what describes the samples, and what others of them refer to.
BESIDE = ("README.md", "MANIFEST.tsv", "cityjson/rotterdam/appearances")


def test_every_file_is_accepted_or_refused_with_a_reason() -> None:
    files = {str(p.relative_to(SAMPLES)) for p in SAMPLES.rglob("*") if p.is_file()}
    listed = [sample.file for sample in ACCEPTED] + [*BESIDE]
    listed += [str(path.relative_to(SAMPLES)) for name in REFUSED for path in SAMPLES.glob(name)]
    left = {file for file in files if not any(Path(file).is_relative_to(name) for name in listed)}
    assert left == set()


@pytest.fixture(scope="module")
def database_of(cluster: EmbeddedPostgres) -> Iterator[Callable[[int], str]]:
    """The URL of a database for a storage CRS."""
    made: dict[int, str] = {}

    def make(srid: int) -> str:
        if srid not in made:
            name = f"samples_{srid}"
            with psycopg.connect(cluster.admin_url(), autocommit=True) as conn:
                provision.create_database(conn, name)
            provision.prepare_database(cluster.admin_url(), name)
            made[srid] = cluster.database_url(name)
        return made[srid]

    yield make
    with psycopg.connect(cluster.admin_url(), autocommit=True) as conn:
        for srid in made:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            conn.execute(drop.format(sql.Identifier(f"samples_{srid}")))


def delivered(sample: Sample, folder: Path) -> Path:
    """The file; or a copy of it that names the schema by the name under which it was published."""
    path = SAMPLES / sample.file
    if not sample.renamed:
        return path
    copy = folder / path.name
    copy.write_text(path.read_text().replace("IFC4X3_RC3", "IFC4X3_ADD2", 1))
    return copy


def definition(sample: Sample, folder: Path) -> str:
    """Write the twin of a sample; its id."""
    lon, lat = sample.place
    name = Path(sample.file).stem.lower().replace("_", "-").replace(".", "-")
    about = {
        "id": name,
        "name_zh": "样例",
        "name_en": name,
        "centre": [lon, lat],
        "extent": [at + way * sample.reach for way in (-1, 1) for at in (lon, lat)],
        "ground_height": sample.ground,
        "layers": [sample.layer],
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(about, allow_unicode=True), "utf-8")
    return name


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, id=sample.file, marks=[pytest.mark.long] if sample.long else [])
        for sample in ACCEPTED
    ],
)
def test_what_comes_in_is_drawn_or_told_why_not(
    sample: Sample, database_of: Callable[[int], str], tmp_path: Path
) -> None:
    (tmp_path / "twins").mkdir()
    twin, url = definition(sample, tmp_path / "twins"), database_of(sample.srid)
    more = {"TWIN_DATABASE_URL": url, "TWIN_TWINS_DIR": str(tmp_path / "twins")}
    more["TWIN_STORAGE_SRID"] = str(sample.srid)
    program = Program(tmp_path / "home", more).here
    path = delivered(sample, tmp_path)
    words = ("ingest", path, "--twin", twin, *sample.options)
    answer = program.json(*words, status=1 if sample.refused else 0)
    (outcome,) = answer["files"]
    expected, refused = sample.count(path), sum(sample.refused.values())
    assert (outcome["features_in"], outcome["refused"]) == (expected, refused)
    assert refusals(answer["findings"]) == sample.refused
    (report,) = program.json("tile", "--twin", twin, "--layer", sample.layer)
    folder = program.home / "tiles" / twin
    if sample.layer == "terrain":
        same_ground(folder / sample.layer, path, report)
        return
    drawn = counted(folder / sample.layer)
    if sample.layer == "pointcloud":
        assert drawn.points == report["in_tiles"] == report["points_in"] == expected
    elif sample.layer == "mesh":
        assert drawn.finest == report["in_tiles"] == report["triangles_in"] == expected
    else:
        with connect(url, read_only=True) as conn:
            tables = THEME_TABLES[Theme(sample.layer)]
            ids = [read.read_table(conn, table, twin, columns=["id"])["id"] for table in tables]
        stored = Counter(str(key) for column in ids for key in column)
        undrawn = Counter(r["id"] for r in report["refused"])
        assert stored.total() == expected - refused
        assert drawn.features + undrawn == stored
        assert Counter(r["code"] for r in report["refused"]) == sample.undrawn
        assert all(r["zh"] and r["en"] for r in report["refused"])
    found = check_tileset(folder / sample.layer)
    assert found.totals == {}, found.findings
    valid = khronos(sorted((folder / sample.layer).glob("*.glb.gz")))
    assert valid["count"] == drawn.contents
    assert (valid["errors"], valid["warnings"]) == (0, 0), valid["files"]


def refusals(findings: list[dict[str, Any]]) -> Counter[str]:
    """Rows that are refused, by code; beyond a thousand of a kind one finding counts the rest."""
    out: Counter[str] = Counter()
    for finding in findings:
        if finding["severity"] == "error":
            rest = finding["place"]["element"] is None and finding["found"].isdigit()
            out[finding["code"]] += int(finding["found"]) if rest else 1
    return out


def same_ground(folder: Path, path: Path, report: dict[str, Any]) -> None:
    """Every cell with a height lies in a tile of the finest level that reaches that height."""
    layer = json.loads(unpacked(folder / "layer.json"))
    heads = {}
    for level, spans in enumerate(layer["available"]):
        for span in spans:
            across = range(span["startX"], span["endX"] + 1)
            for x, y in product(across, range(span["startY"], span["endY"] + 1)):
                name = layer["tiles"][0].format(z=level, x=x, y=y)
                heads[level, x, y] = struct.unpack_from("<2f", unpacked(folder / name), 24)
    assert len(heads) == report["tiles"]
    with rasterio.open(path) as file:
        z = file.read(1, masked=True)
        row, column = np.nonzero(np.isfinite(z.filled(np.nan)))
        x, y = rasterio.transform.xy(file.transform, row, column)
        lon, lat = Transformer.from_crs(file.crs, 4326, always_xy=True).transform(x, y)
    level = len(layer["available"]) - 1
    tiles = np.floor(np.column_stack([lon + 180, lat + 90]) / 180 * 2**level).astype(int)
    place, of = np.unique(tiles, axis=0, return_inverse=True)
    low, high = np.array([heads[level, *at] for at in place.tolist()]).T
    # cells between the grid's nodes reach further than these: by the share of a level's error that
    # the levels above have as their tolerance
    height, most = z[row, column].filled(), report["tolerances"][-2] / 2
    assert len(height) > 1000
    assert (height > low[of] - most).all()
    assert (height < high[of] + most).all()


# pyproj has no grid of Germany; nothing else there is good to 2 m
@pytest.mark.filterwarnings("ignore:Best transformation is not available:UserWarning")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] if name in SLOW else []) for name in REFUSED],
)
def test_what_is_refused_is_told_why(name: str, tmp_path: Path) -> None:
    codes, options = REFUSED[name]
    found: set[str] = set()
    for path in sorted(SAMPLES.glob(name)):
        answer = Program(tmp_path / "home").here.json("check", path, *options, status=2)
        assert sum(outcome["accepted"] for outcome in answer["files"]) == 0
        errors = [finding for finding in answer["findings"] if finding["severity"] == "error"]
        assert all(finding["zh"] and finding["en"] for finding in errors)
        assert errors
        found |= {finding["code"] for finding in errors}
    assert found == codes
