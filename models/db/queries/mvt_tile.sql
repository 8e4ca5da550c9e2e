-- A layer of a tile, as bytes, and how many it draws. $1 name.
WITH every AS (
{parts}
)
SELECT ST_AsMVT(part, $1, 4096, 'geom'), count(*)
FROM (SELECT * FROM every WHERE geom IS NOT NULL {limit}) AS part
