-- Places of a twin's address tables within some metres of a point in plan, from the top downwards;
-- those of features are told as features.
SELECT p.kind, p.name, p.address, s.name AS source, p.height, n.away
FROM (
  SELECT t.id, ST_Distance(t.geom, h.point) AS away
  FROM place AS t, {point} AS h (point)
  WHERE t.outline IS NULL AND ST_DWithin(t.geom, h.point, %(radius)s)
  UNION ALL
  SELECT t.id, ST_Distance(t.outline, h.point)
  FROM place AS t, {point} AS h (point)
  WHERE ST_DWithin(t.outline, h.point, %(radius)s)
) AS n
JOIN place AS p ON p.id = n.id
JOIN place_source AS s ON s.id = p.source_id
WHERE p.twin_id = %(twin)s AND s.dataset_id IS NULL
ORDER BY p.height DESC NULLS LAST, n.away, p.id
LIMIT %(most)s
