-- The largest features of a tile that {conditions} names; of equals whichever have the least id,
-- which is scattered. {place} are the six numbers of the map into units of the tile.
WITH found AS MATERIALIZED (
  SELECT t.*
  FROM {table} AS t
  WHERE {conditions}
  ORDER BY ST_XMax(t.geom) - ST_XMin(t.geom) + ST_YMax(t.geom) - ST_YMin(t.geom) DESC, t.id
  LIMIT {most}
),
part AS (
  SELECT
    {raw},
    ST_AsMVTGeom(
      ST_Affine({shape}, {place}), ST_MakeEnvelope(0, 0, 4096, 4096), 4096, 64
    ) AS geom
  FROM found AS t
)
SELECT ST_AsMVT(part, {name}, 4096, 'geom'), count(*) FROM part WHERE geom IS NOT NULL
