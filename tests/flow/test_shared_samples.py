"""Files made by others, from the file to the tile: nothing is lost unnoticed on the way.

None of them lies in China, so each goes into a database whose storage CRS is one of its region.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import ifcopenshell
import numpy as np
import psycopg
import pyogrio
import pytest
import yaml
from psycopg import sql
from pyproj import Transformer

from ingest.readers.base import ReadOptions
from models.crs import ecef_to_geodetic, geoid_height
from models.db import provision, read
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.features import THEME_TABLES, Theme
from models.findings import Severity
from models.twins import load_twins
from tiles.build import BuildReport
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.testing import khronos
from twin import flow, tiling
from twin.app import create_app
from twin.settings import Settings

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="../shared/samples is not there: files by others, not ours to ship"
)


def features(path: Path) -> int:
    return int(pyogrio.read_info(path)["features"])


def products(path: Path) -> int:
    """The project and every product of an IFC file."""
    model = ifcopenshell.open(path)
    return len(model.by_type("IfcProject")) + len(model.by_type("IfcProduct"))


def utm_60s(east: float, north: float) -> tuple[float, float]:
    to_degrees = Transformer.from_crs(32760, 4326, always_xy=True)
    lon, lat = to_degrees.transform(east, north)
    return lon, lat


@dataclass(frozen=True)
class Sample:
    """A file, how many features another program finds in it, the storage CRS, the place as the
    file states it (degrees) and its ground there (m over EGM96), how far the bodies may lie from
    that place and how far the lowest of them from the ground (m)."""

    file: str
    count: Callable[[Path], int]
    srid: int
    place: tuple[float, float]
    ground: float
    radius: float
    depth: float = 1.0
    refused: tuple[str, ...] = ()

    @property
    def twin(self) -> str:
        return Path(self.file).stem.lower().replace("_", "-")


FOOTPRINTS = Sample(
    "buildings/footprints_with_height.geojson",
    features,
    6677,
    (139.7132, 35.5488),
    5.0,
    3000.0,
    refused=("GEO-05", "GEO-05", "GEO-05"),  # features 9, 639 and 911 cross themselves
)
HAUS = Sample(
    "ifc/AC20-FZK-Haus.ifc",
    products,
    25832,
    (8 + 26 / 60 + 11.5404 / 3600, 49 + 6 / 60 + 1.566 / 3600),  # RefLongitude, RefLatitude
    110.0,
    60.0,
)
HOUSE = Sample(
    "ifc/building-architecture.ifc",
    products,
    32760,
    utm_60s(729013.348, 9063992.685),  # IfcMapConversion
    1.3,  # OrthogonalHeight, IfcMapConversion; the house reaches down to 0
    60.0,
    depth=1.5,
)
BRIDGE = Sample(
    "ifc/infra-bridge.ifc",
    products,
    32760,
    utm_60s(729011.226, 9063960.608),  # IfcMapConversion
    0.0,
    300.0,
    depth=5.0,  # piers stand in the river
)
ALL = (FOOTPRINTS, HAUS, HOUSE, BRIDGE)


@dataclass(frozen=True)
class Run:
    """What became of a sample."""

    sample: Sample
    settings: Settings
    url: str
    outcome: flow.Outcome
    report: BuildReport
    seconds: float

    @property
    def store(self) -> DirectoryStore:
        return DirectoryStore(self.settings.tiles_dir / self.sample.twin / self.report.layer)

    def row(self) -> str:
        counts = Counter(f.code for f in self.outcome.findings if f.severity is Severity.ERROR)
        skipped = Counter(r.code for r in self.report.refused)
        bytes_at_rest = sum(path.stat().st_size for path in self.store.path.glob("*.gz"))
        cells = (
            self.sample.file,
            f"EPSG:{self.sample.srid}",
            self.outcome.features_in,
            self.outcome.accepted,
            _told(counts),
            self.report.in_tiles,
            _told(skipped),
            self.report.tiles,
            self.report.bytes,
            bytes_at_rest,
            f"{self.seconds:.1f}",
        )
        return f"| {' | '.join(map(str, cells))} |"


HEADER = (
    "\n| file | stored in | features in | stored | refused: why | in tiles | not drawn: why "
    "| tiles | GLB bytes | bytes gzipped, with JSON | seconds |\n|" + "---|" * 11
)


def _told(counts: Counter[str]) -> str:
    why = ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))
    return f"{counts.total()}: {why}" if counts else "0"


@pytest.fixture(scope="module")
def home(short_folder: Path) -> Path:
    """A folder with a definition file for the place of every sample."""
    folder = short_folder / "shared"
    (folder / "twins").mkdir(parents=True)
    for sample in ALL:
        lon, lat = sample.place
        definition = {
            "id": sample.twin,
            "name_zh": "样例",
            "name_en": sample.twin,
            "centre": [lon, lat],
            "extent": [lon - 0.03, lat - 0.03, lon + 0.03, lat + 0.03],
            "ground_height": sample.ground,
        }
        file = folder / "twins" / f"{sample.twin}.yaml"
        file.write_text(yaml.safe_dump(definition, allow_unicode=True), "utf-8")
    return folder


@pytest.fixture(scope="module")
def runs(cluster: EmbeddedPostgres, home: Path) -> Iterator[dict[str, Run]]:
    """Every sample checked, stored and tiled, with the table of them printed (``pytest -s``)."""
    done = {}
    with psycopg.connect(cluster.admin_url(), autocommit=True) as conn:
        for sample in ALL:
            provision.create_database(conn, _database(sample))
    for sample in ALL:
        provision.prepare_database(cluster.admin_url(), _database(sample))
        settings = Settings(
            home=home, twins_dir=home / "twins", storage_srid=sample.srid, database_url=None
        )
        twin = load_twins(settings.twins_dir)[sample.twin]
        url = cluster.database_url(_database(sample))
        given = ReadOptions(None, "egm96")  # none of the files names its vertical datum
        (outcome,) = flow.ingest(settings, url, [SAMPLES / sample.file], given, twin, None)
        ((name, report),) = tiling.tile(settings, url, [twin])
        assert name == sample.twin
        done[sample.file] = Run(
            sample, settings, url, outcome, report, outcome.seconds + report.seconds
        )
    sys.stdout.write("\n".join([HEADER, *(run.row() for run in done.values()), ""]))
    yield done
    with psycopg.connect(cluster.admin_url(), autocommit=True) as conn:
        for sample in ALL:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            conn.execute(drop.format(sql.Identifier(_database(sample))))


def _database(sample: Sample) -> str:
    return "s_" + sample.twin.replace("-", "_")


@pytest.fixture(params=ALL, ids=lambda sample: sample.file)
def run(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    return runs[request.param.file]


def test_what_comes_in_is_stored_or_refused(run: Run) -> None:
    path = SAMPLES / run.sample.file
    errors = [f for f in run.outcome.findings if f.severity is Severity.ERROR]
    assert run.outcome.features_in == run.sample.count(path)
    assert tuple(f.code for f in errors) == run.sample.refused
    assert len({(f.place.row, f.place.element) for f in errors}) == len(errors)
    with connect(run.url, read_only=True) as conn:
        extents = read.extents(conn, run.sample.twin)
        assert read.storage_srid(conn) == run.sample.srid
    stored = sum(extents[table].count for table in THEME_TABLES[Theme(run.report.layer)])
    assert stored == run.outcome.accepted == run.outcome.features_in - len(errors)


@pytest.mark.parametrize("sample", [FOOTPRINTS, HOUSE], ids=lambda sample: sample.file)
def test_a_check_without_a_database_says_the_same(runs: dict[str, Run], sample: Sample) -> None:
    run = runs[sample.file]
    twin = load_twins(run.settings.twins_dir)[run.sample.twin]
    given = ReadOptions(None, "egm96")
    (outcome,) = flow.check([SAMPLES / run.sample.file], given, twin, run.sample.srid)
    assert outcome.findings == run.outcome.findings
    assert outcome.accepted == run.outcome.accepted


def test_a_storage_crs_of_another_region_is_named(home: Path) -> None:
    twin = load_twins(home / "twins")[FOOTPRINTS.twin]
    given = ReadOptions(None, "egm96")
    (outcome,) = flow.check([SAMPLES / FOOTPRINTS.file], given, twin, 4549)
    assert outcome.accepted == 0
    assert outcome.findings[0].code == "CRS-02"
    assert "storage CRS EPSG:4549" in outcome.findings[0].en


def test_what_is_stored_is_in_a_tile_or_told_why_not(run: Run) -> None:
    with connect(run.url, read_only=True) as conn:
        tables = THEME_TABLES[Theme(run.report.layer)]
        stored = Counter(
            key
            for table in tables
            for key in read.read_table(conn, table, run.sample.twin, columns=["id"])["id"]
        )
    drawn = Counter(
        key
        for tile in walk(lambda uri: _decoded(run, uri))
        if tile.uri is not None
        for key in Glb(_decoded(run, tile.uri)).table()["id"]
    )
    left_out = Counter(r.id for r in run.report.refused)
    assert drawn.total() == run.report.in_tiles > 0
    assert drawn + left_out == stored
    assert all(r.zh and r.en for r in run.report.refused)


def test_every_tile_is_valid(run: Run) -> None:
    report = khronos(sorted(run.store.path.glob("*.glb.gz")))
    assert report["count"] == run.report.tiles
    assert (report["errors"], report["warnings"]) == (0, 0), report["files"]


def test_the_bodies_lie_where_the_file_says(run: Run) -> None:
    points = []
    for tile in walk(lambda uri: _decoded(run, uri)):
        if tile.uri is not None:
            for part in Glb(_decoded(run, tile.uri)).parts():
                points.append(part.positions @ tile.to_ecef[:3, :3].T + tile.to_ecef[:3, 3])
    lon, lat, height = ecef_to_geodetic(np.concatenate(points))
    here = np.radians(run.sample.place[1])
    east = (lon - run.sample.place[0]) * 111_320 * np.cos(here)
    north = (lat - run.sample.place[1]) * 111_320
    assert np.hypot(east, north).max() < run.sample.radius
    above_geoid = height - geoid_height(*(np.array([degrees]) for degrees in run.sample.place))
    assert abs(above_geoid.min() - run.sample.ground) < run.sample.depth


def test_the_server_lists_the_twin_in_its_own_storage_crs(run: Run) -> None:
    listed, described, root = asyncio.run(_served(run))
    assert {"songjiang-hub", run.sample.twin} <= {twin["id"] for twin in listed["twins"]}
    (layer,) = (item for item in described["layers"] if item["id"] == run.report.layer)
    assert layer["features"] == run.outcome.accepted
    assert root["root"]["transform"]


async def _served(run: Run) -> list[dict[str, Any]]:
    """What the server says of all twins, of this one, and its tileset."""
    app = create_app(run.settings, run.url)
    twin = run.sample.twin
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://twin") as client,
    ):
        out = []
        for path in ("/twins", f"/twins/{twin}", f"/tiles/{twin}/{run.report.layer}/tileset.json"):
            answer = await client.get(path)
            assert answer.status_code == 200, answer.text
            out.append(answer.json())
        return out


def _decoded(run: Run, uri: str) -> bytes:
    return gzip.decompress(run.store.get(uri).data)
