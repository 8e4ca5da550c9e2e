-- Fixed-width facts of pipe segments in order of id, NaN and 0 for null. An end is the point that
-- its id names, else the first with its number in its dataset; of points that {present} holds.
WITH present AS NOT MATERIALIZED (
  SELECT p.row_id, p.id, p.dataset_id, p.exp_no FROM pipe_point AS p WHERE {present}
)
SELECT s.id, ROW(
  s.row_id,
  coalesce(pf.row_id, nf.row_id, 0),
  coalesce(pt.row_id, nt.row_id, 0),
  g.n, {octets},
  coalesce(array_position(ARRAY['rect', 'egg', 'bank'], s.shape), 0),
  coalesce(s.width_mm, 'NaN'), coalesce(s.height_mm, 'NaN'), coalesce(s.od_mm, 'NaN'),
  coalesce(s.id_mm, 'NaN'), coalesce(s.wall_mm, 'NaN'),
  coalesce(ST_XMin(g.box), 'NaN'), coalesce(ST_YMin(g.box), 'NaN'),
  coalesce(ST_ZMin(g.box), 'NaN'), coalesce(ST_XMax(g.box), 'NaN'),
  coalesce(ST_YMax(g.box), 'NaN'), coalesce(ST_ZMax(g.box), 'NaN'),
  -- vertices as they lie in EWKB: 13 bytes of head, then 24 each
  CASE WHEN g.n < 2 THEN g.none ELSE substring(g.wkb FROM 14 FOR 24) END,
  CASE WHEN g.n < 2 THEN g.none ELSE substring(g.wkb FROM 38 FOR 24) END,
  CASE WHEN g.n < 2 THEN g.none ELSE substring(g.wkb FROM 14 + 24 * (g.n - 2) FOR 24) END,
  CASE WHEN g.n < 2 THEN g.none ELSE substring(g.wkb FROM 14 + 24 * (g.n - 1) FOR 24) END
) AS facts
FROM pipe_segment AS s
JOIN dataset AS d ON d.id = s.dataset_id
LEFT JOIN present AS pf ON pf.id = s.from_point_id
LEFT JOIN present AS pt ON pt.id = s.to_point_id
LEFT JOIN LATERAL (
  SELECT p.row_id FROM present AS p
  WHERE pf.row_id IS NULL AND p.dataset_id = s.dataset_id AND p.exp_no = s.from_point
  ORDER BY p.id
  LIMIT 1
) AS nf ON true
LEFT JOIN LATERAL (
  SELECT p.row_id FROM present AS p
  WHERE pt.row_id IS NULL AND p.dataset_id = s.dataset_id AND p.exp_no = s.to_point
  ORDER BY p.id
  LIMIT 1
) AS nt ON true
CROSS JOIN LATERAL (
  SELECT
    ST_AsEWKB(s.geom, 'NDR') AS wkb, coalesce(ST_NPoints(s.geom), 0) AS n,
    Box3D(s.geom) AS box, decode(repeat('000000000000f87f', 3), 'hex') AS none
  OFFSET 0
) AS g
WHERE d.twin_id = %(twin)s AND {chosen}
