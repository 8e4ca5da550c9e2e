-- Roads that pipes lie under, in the middle of the middle one of their segments, and how many lie
-- there.
SELECT
  'road', r.road, NULL, 'pipe-segments', NULL, ST_X(p.middle), ST_Y(p.middle), r.features
FROM (
  SELECT
    t.road, count(*) AS features,
    (array_agg(t.geom ORDER BY t.geom))[count(*) / 2 + 1] AS geom
  FROM pipe_segment AS t
  WHERE t.dataset_id = %(dataset)s
    AND t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()
    AND t.road IS NOT NULL AND t.geom IS NOT NULL
  GROUP BY t.road
) AS r
CROSS JOIN LATERAL (SELECT ST_LineInterpolatePoint(r.geom, 0.5) AS middle) AS p
