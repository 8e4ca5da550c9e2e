-- $1 twin. EPSG:4490 is CGCS2000 in degrees: the storage CRS's own datum, so nothing shifts.
SELECT
  '{table}' AS name, e.n, ST_XMin(e.box) AS west, ST_YMin(e.box) AS south,
  ST_XMax(e.box) AS east, ST_YMax(e.box) AS north
FROM (
  SELECT
    count(*) AS n,
    ST_Transform(
      ST_Segmentize(ST_SetSRID(ST_Extent(t.geom)::geometry, min(ST_SRID(t.geom))), 1000), 4490
    ) AS box
  FROM {table} AS t
  JOIN dataset AS d ON d.id = t.dataset_id
  WHERE d.twin_id = $1
    AND t.tx_to = 'infinity'
    AND t.valid_from <= now() AND t.valid_to > now()
) AS e
