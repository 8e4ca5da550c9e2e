-- How many features of a dataset are current, and their box in the storage CRS; {top} is the
-- height of a feature's top where its geometry does not hold it.
SELECT
  n, ST_XMin(box), ST_YMin(box), ST_ZMin(box), ST_XMax(box), ST_YMax(box),
  greatest(ST_ZMax(box), top)
FROM (
  SELECT count(*) AS n, ST_3DExtent(t.geom) AS box, max({top}) AS top
  FROM {table} AS t
  WHERE t.dataset_id = %(dataset)s
    AND t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()
) AS found
