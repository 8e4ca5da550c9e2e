"""A connection to a fresh database that knows one twin, a database with enough rows for plans to
matter, and clusters to be mishandled."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from models.db import twins
from models.db.connection import Connection, connect
from models.db.embedded import EmbeddedPostgres
from models.db.provision import create_database
from models.testing import Twin


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn


ROWS = 60_000
EAST, NORTH = 600_000.0, 3_430_000.0
#: Segments of 25 m on a grid of 30 m, as a survey of a town would be; two twins, one after the
#: other in the table.
MADE = """
INSERT INTO twin VALUES ('one', '一', 'One', 121, 31, '{120,30,122,32}', 4),
                        ('two', '二', 'Two', 121, 31, '{120,30,122,32}', 4);
INSERT INTO dataset (twin_id, name, theme, horizontal, vertical)
VALUES ('one', 'a', 'pipes', 'EPSG:4549', '1985'), ('two', 'b', 'pipes', 'EPSG:4549', '1985'),
       ('two', 'c', 'pipes', 'EPSG:4549', '1985');
INSERT INTO revision (dataset_id, number, valid_from, recorded, complete, counts)
SELECT id, 1, '2020-01-01', now(), true, '{}' FROM dataset;
INSERT INTO source_file (revision_id, name, sha256, size, features_in, horizontal, vertical)
VALUES (1, 'x', 'x', 1, 1, 'EPSG:4549', '1985');
INSERT INTO pipe_segment (id, key, class_code, width_mm, geom, dataset_id, revision_id, file_id,
                          content_sha, valid_from, tx_from)
SELECT gen_random_uuid(), 'L' || d || '-' || i, (array['YS', 'WS', 'JS'])[1 + i % 3],
  100 * (1 + i % 9),
  ST_SetSRID(ST_MakeLine(ST_MakePoint(x, y, 2), ST_MakePoint(x + 25, y, 1.9)), 4549),
  d, d, 1, '\\x00', '2020-01-01', now()
FROM generate_series(1, 3) AS d, generate_series(0, {rows} - 1) AS i,
  LATERAL (SELECT {east} + (i % 250) * 30.0 AS x, {north} + (i / 250) * 30.0 AS y) AS place;
INSERT INTO mvt_overview (dataset_id, revision_id, layer, tms, features, first_zoom, raw_zoom)
VALUES (1, 1, 'pipe_segment', 'WebMercatorQuad', {rows}, 8, 14);
INSERT INTO mvt_drawn (overview_id, zoom, tile_row, tile_col, kind, count, geom)
SELECT 1, 8 + i % 6, i / 100, i % 100, 'YS', 1, ST_MakePoint(i % 4096, i % 4096)
FROM generate_series(0, 9999) AS i;
ANALYZE;
"""


@pytest.fixture(scope="session")
def segments(cluster: EmbeddedPostgres) -> str:
    """URL of a database with pipe segments of two twins, which nobody changes."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    made = MADE.replace("{rows}", str(ROWS // 3))
    made = made.replace("{east}", str(EAST)).replace("{north}", str(NORTH))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(made.encode())
    return url


FAST = {"fsync": "off", "shared_buffers": "32MB"}
Maker = Callable[..., EmbeddedPostgres]


@pytest.fixture(scope="session")
def home(short_folder: Path) -> Iterator[Path]:
    """A home with a complete, stopped cluster, which all tests may use that leave it so."""
    cluster = EmbeddedPostgres(short_folder / "one", extra=FAST)
    cluster.ensure()
    cluster.stop()
    yield cluster.home
    cluster.stop()


@pytest.fixture
def make(home: Path, short_folder: Path) -> Iterator[Maker]:
    """The cluster of ``home``, or one of a home of its own; all are stopped after the test."""
    clusters = []

    def maker(own: Path | str | None = None, port: int | None = None) -> EmbeddedPostgres:
        place = home if own is None else short_folder / own
        elsewhere = short_folder / "elsewhere"
        clusters.append(EmbeddedPostgres(place, port, extra=FAST, elsewhere=elsewhere))
        return clusters[-1]

    yield maker
    for cluster in clusters:
        if cluster.status().data is not None:
            cluster.stop()
        if cluster.home != home:
            shutil.rmtree(cluster.home, ignore_errors=True)
