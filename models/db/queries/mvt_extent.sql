-- $1 datasets. Number and box in the storage CRS of their features of a table as they are now.
SELECT f.n, ST_XMin(f.box), ST_YMin(f.box), ST_XMax(f.box), ST_YMax(f.box)
FROM (
  SELECT count(*) AS n, ST_Extent(t.geom) AS box
  FROM {table} AS t
  WHERE t.dataset_id = ANY($1::bigint[])
    AND t.tx_to = 'infinity'
    AND t.valid_from <= now() AND t.valid_to > now()
    AND t.geom IS NOT NULL
) AS f
