"""A dense city made by the database itself: streets with eight pipes each, and buildings.

Streets cross every 64 m, over 10 km if not told else; a pipe segment is 25 m long, its eight
neighbours lie side by side and below one another. Buildings stand on a grid between, each with a
name and a road. A city with a centre has all of it closer together there, and further apart at its
border.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.db.connection import Connection, connect
from models.db.embedded import EmbeddedPostgres
from tests.benchmarks.served import new_database

TWIN = "qianwan"
EAST, NORTH, SPAN = 619_000.0, 3_445_000.0, 10_000.0
_DATASET = """
WITH d AS (
  INSERT INTO dataset (twin_id, name, theme, horizontal, vertical)
  VALUES ('{twin}', '{name}', '{name}', 'EPSG:4549', '1985') RETURNING id
), r AS (
  INSERT INTO revision (dataset_id, number, valid_from, recorded, complete, counts)
  SELECT id, 1, '2020-01-01', now(), true, '{{}}' FROM d RETURNING id, dataset_id
)
INSERT INTO source_file (revision_id, name, sha256, size, features_in, horizontal, vertical)
SELECT id, 'made', 'made', 1, 1, 'EPSG:4549', '1985' FROM r
RETURNING (SELECT dataset_id FROM r), revision_id, id
"""
_PIPES = """
INSERT INTO pipe_segment (
  id, key, class_code, shape, width_mm, od_mm, material, owner, road, geom, dataset_id,
  revision_id, file_id, content_sha, valid_from, tx_from)
SELECT
  gen_random_uuid(), 'P' || i, (array['YS', 'WS', 'JS', 'RQ', 'DL', 'TX', 'RL', 'GY'])[1 + k],
  'round', 100 + 50 * k, 100 + 50 * k, '混凝土', '示例权属单位', '示例路' || line / 8,
  ST_SetSRID(
    CASE WHEN (line / 8) % 2 = 0
      THEN ST_MakeLine(ST_MakePoint(e + p.a, n + p.o, z), ST_MakePoint(e + p.b, n + p.o, z))
      ELSE ST_MakeLine(ST_MakePoint(e + p.o, n + p.a, z), ST_MakePoint(e + p.o, n + p.b, z))
    END, 4549),
  {ids}, '\\x00', '2020-01-01', '2020-01-01'
FROM generate_series(0, {count} - 1) AS i,
  LATERAL (SELECT i / {row} AS line, {east}::float8 AS e, {north}::float8 AS n) AS l,
  LATERAL (
    SELECT line % 8 AS k, 2.5 - line % 8 * 0.35 AS z, (i % {row}) * 25::float8 AS a,
      (line / 16) * 64::float8 + line % 8 * 1.7::float8 AS o
  ) AS even,
  LATERAL (SELECT {from_} AS a, {to} AS b, {across} AS o) AS p
"""
_BUILDINGS = """
INSERT INTO building (
  id, key, name, address, function, storeys, height, base_height, geom, dataset_id, revision_id,
  file_id, content_sha, valid_from, tx_from)
SELECT
  gen_random_uuid(), 'B' || i, '示例' || i || '号楼', '示例路' || i % 700 || '弄' || i || '号',
  (array['住宅', '办公', '商业'])[1 + i % 3], 1 + i % 32, 3.1 * (1 + i % 32), 4.0,
  ST_Multi(ST_Translate(
    ST_GeomFromText(
      'POLYGON Z ((0 0 4, 8 0 4, 8 3 4, 4 3 4, 4 6 4, 0 6 4, 0 0 4))', 4549
    ), {east} + {x}, {north} + {y}
  )),
  {ids}, '\\x00', '2020-01-01', '2020-01-01'
FROM generate_series(0, {count} - 1) AS i,
  LATERAL (SELECT i % {side} * {step}::float8 AS x, i / {side} * {step}::float8 AS y) AS p
"""


def fill(cluster: EmbeddedPostgres, pipes: int, buildings: int) -> str:
    """Start the cluster and fill its database; the owner's URL."""
    url = new_database(cluster)
    put(url, pipes, buildings)
    return url


def put(url: str, pipes: int, buildings: int, *, density: float = 1.0, span: float = SPAN) -> None:
    """Put the city into a database that knows its twin. It takes a square of ``span`` metres; along
    either axis its middle is ``density`` times as dense as on an even grid. a pipe for
    every 100 m² fills it."""
    side = max(1, round(buildings**0.5))
    place = {"east": EAST, "north": NORTH, "row": round(span / 25)}
    axes = {"from_": "even.a", "to": "even.a + 25", "across": "even.o", "x": "p.x", "y": "p.y"}
    place |= {name: _bent(written, span, density) for name, written in axes.items()}
    with connect(url) as conn:
        for name, count, made, table in (
            ("pipes", pipes, _PIPES, "pipe_segment"),
            ("buildings", buildings, _BUILDINGS, "building"),
        ):
            row = conn.execute(_DATASET.format(twin=TWIN, name=name).encode()).fetchone()
            assert row is not None
            ids = ", ".join(map(str, row))
            query = made.format(count=count, side=side, step=span / side, ids=ids, **place)
            with _without_indexes(conn, table):
                conn.execute(query.encode())
        conn.execute("VACUUM ANALYZE")


@contextmanager
def _without_indexes(conn: Connection, table: str) -> Iterator[None]:
    """Take the indexes of a table away for the block and make them anew after it, which is many
    times quicker than to keep them while a million rows come in any order. The constraint that no
    two rows contradict each other stays away: none of these do, and it takes longest."""
    conn.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_one_truth".encode())
    indexes = conn.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisprimary",
        (table,),
    ).fetchall()
    for index, _ in indexes:
        conn.execute(f"DROP INDEX {index}".encode())
    yield
    conn.execute("SET maintenance_work_mem = '1GB'")
    for _, definition in indexes:
        conn.execute(definition.encode())
    conn.execute("RESET maintenance_work_mem")


def _bent(written: str, span: float, density: float) -> str:
    """SQL of a place along either axis, of one on the even grid."""
    half, bend = f"{span / 2}::float8", f"{1 / density - 1}::float8"
    v = f"({written} - {half}) / {half}"
    return f"{half} * (1 + {v} * (1 + {bend} * (1 - {v} * {v})))"
