-- $1 twin, $2 east, $3 north, $4 SRID, $5 metres, $6 how many. Nearest first; a building or parcel
-- that holds the place is at no distance, wherever its middle is; the middle of a building, at which
-- its own place is, lies in its box, and is found by that.
WITH here AS (SELECT ST_SetSRID(ST_MakePoint($2, $3), $4) AS place),
near AS (
  SELECT p.id, ST_Distance(p.geom, h.place) AS away
  FROM place AS p, here AS h
  WHERE p.twin_id = $1 AND ST_DWithin(p.geom, h.place, $5)
  ORDER BY p.geom <-> h.place
  LIMIT $6
),
holding AS (
  SELECT p.id, 0.0::double precision AS away
  FROM here AS h
  JOIN building AS b ON b.geom && h.place AND ST_Intersects(b.geom, h.place)
  JOIN place AS p ON p.geom && b.geom AND p.feature_id = b.id AND p.twin_id = $1
  WHERE b.tx_to = 'infinity' AND b.valid_from <= now() AND b.valid_to > now()
  UNION ALL
  SELECT p.id, 0.0
  FROM here AS h
  JOIN place AS p ON p.outline && h.place AND ST_Intersects(p.outline, h.place) AND p.twin_id = $1
)
SELECT f.id, min(f.away) AS away
FROM (SELECT * FROM near UNION ALL SELECT * FROM holding) AS f
GROUP BY f.id
ORDER BY away, f.id
LIMIT $6
