-- Fixed-width facts of pipe points in order of id, NaN for null.
SELECT p.id, ROW(
  p.row_id,
  coalesce(ST_X(p.geom), 'NaN'), coalesce(ST_Y(p.geom), 'NaN'), coalesce(ST_Z(p.geom), 'NaN'),
  coalesce(p.ground_h, 'NaN'), coalesce(p.well_depth, 'NaN'), coalesce(p.well_bottom_h, 'NaN'),
  {octets}
) AS facts
FROM pipe_point AS p
JOIN dataset AS d ON d.id = p.dataset_id
WHERE d.twin_id = %(twin)s AND {chosen}
