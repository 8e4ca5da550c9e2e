-- $1 twin. EPSG:4490 is CGCS2000 in degrees: the storage CRS's own datum, so nothing shifts. Counted
-- is what is so now; the times are those of all that is held for true, open ends null.
SELECT
  '{table}' AS name, e.n, ST_XMin(e.box) AS west, ST_YMin(e.box) AS south,
  ST_XMax(e.box) AS east, ST_YMax(e.box) AS north,
  nullif(e.first, '-infinity') AS first, nullif(e.last, 'infinity') AS last
FROM (
  SELECT
    count(*) FILTER (WHERE t.is_now) AS n,
    ST_Transform(
      ST_Segmentize(
        ST_SetSRID(ST_Extent(t.geom) FILTER (WHERE t.is_now)::geometry, min(ST_SRID(t.geom))), 1000
      ),
      4490
    ) AS box,
    min(t.valid_from) AS first, max(t.valid_to) AS last
  FROM (
    SELECT h.geom, h.valid_from, h.valid_to, h.valid_from <= now() AND h.valid_to > now() AS is_now
    FROM {table} AS h
    JOIN dataset AS d ON d.id = h.dataset_id
    WHERE d.twin_id = $1 AND h.tx_to = 'infinity'
  ) AS t
) AS e
