-- Fixed-width facts of footprints of a twin, in order of id, a thousand to a row; big-endian, NaN
-- for null.
SELECT string_agg(
  int8send(f.row_id)
  || float8send(coalesce(ST_XMin(f.box), 'NaN')) || float8send(coalesce(ST_YMin(f.box), 'NaN'))
  || float8send(coalesce(ST_XMax(f.box), 'NaN')) || float8send(coalesce(ST_YMax(f.box), 'NaN'))
  || float8send(coalesce(f.base_height, ST_ZMin(f.box), 'NaN'))
  || float8send(coalesce(f.height, 'NaN')) || int4send(f.points) || int4send(f.octets),
  ''::bytea ORDER BY f.number
)
FROM (
  SELECT
    t.row_id, Box3D(t.geom) AS box, t.base_height, t.height,
    coalesce(ST_NPoints(t.geom), 0) AS points, {octets} AS octets,
    row_number() OVER (ORDER BY t.id) AS number
  FROM {table} AS t
  JOIN dataset AS d ON d.id = t.dataset_id
  WHERE d.twin_id = %(twin)s
    AND {chosen}
) AS f
GROUP BY f.number / 1000
ORDER BY f.number / 1000
