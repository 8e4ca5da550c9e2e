-- How many features of a dataset are current, and their box in the storage CRS.
SELECT n, ST_XMin(box), ST_YMin(box), ST_ZMin(box), ST_XMax(box), ST_YMax(box), ST_ZMax(box)
FROM (
  SELECT count(*) AS n, ST_3DExtent(t.geom) AS box
  FROM {table} AS t
  WHERE t.dataset_id = %(dataset)s
    AND t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()
) AS found
