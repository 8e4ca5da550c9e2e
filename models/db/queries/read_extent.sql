-- How many features of a twin a table holds at a moment, and their box in the storage CRS.
WITH found AS (
  SELECT count(*) AS n, ST_3DExtent(t.geom) AS box
  FROM {table} AS t
  JOIN dataset AS d ON d.id = t.dataset_id
  WHERE d.twin_id = %(twin)s
    AND {held}
    AND t.valid_from <= {moment} AND t.valid_to > {moment}
)
SELECT n, ST_XMin(box), ST_YMin(box), ST_ZMin(box), ST_XMax(box), ST_YMax(box), ST_ZMax(box)
FROM found
