"""A dense city made by the database itself: streets with eight pipes each, and buildings.

Streets cross every 64 m over 10 km; a pipe segment is 25 m long, its eight neighbours lie side by
side and below one another. Buildings stand on a grid between, each with a name and a road.
"""

from __future__ import annotations

from models.db.connection import connect
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
      THEN ST_MakeLine(ST_MakePoint(e + a, n + o, z), ST_MakePoint(e + a + 25, n + o, z))
      ELSE ST_MakeLine(ST_MakePoint(e + o, n + a, z), ST_MakePoint(e + o, n + a + 25, z))
    END, 4549),
  {ids}, '\\x00', '2020-01-01', '2020-01-01'
FROM generate_series(0, {count} - 1) AS i,
  LATERAL (SELECT i / 400 AS line, {east}::float8 AS e, {north}::float8 AS n) AS l,
  LATERAL (
    SELECT line % 8 AS k, (i % 400) * 25.0 AS a,
      (line / 16) * 64.0 + line % 8 * 1.7 AS o, 2.5 - line % 8 * 0.35 AS z
  ) AS p
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
    ), {east} + x * {step}, {north} + y * {step}
  )),
  {ids}, '\\x00', '2020-01-01', '2020-01-01'
FROM generate_series(0, {count} - 1) AS i,
  LATERAL (SELECT i % {side} AS x, i / {side} AS y) AS p
"""


def fill(cluster: EmbeddedPostgres, pipes: int, buildings: int) -> str:
    """Start the cluster and fill its database; the owner's URL."""
    url = new_database(cluster)
    side = max(1, round(buildings**0.5))
    place = {"east": EAST, "north": NORTH}
    with connect(url) as conn:
        for name, count, made in (
            ("pipes", pipes, _PIPES),
            ("buildings", buildings, _BUILDINGS),
        ):
            row = conn.execute(_DATASET.format(twin=TWIN, name=name).encode()).fetchone()
            assert row is not None
            ids = ", ".join(map(str, row))
            query = made.format(count=count, side=side, step=SPAN / side, ids=ids, **place)
            conn.execute(query.encode())
        conn.execute("VACUUM ANALYZE")
    return url
