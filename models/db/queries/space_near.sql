-- Features of some datasets whose boxes meet one of some boxes of space.
SELECT {columns}
FROM {table} AS t
WHERE t.row_id IN (
  SELECT n.row_id
  FROM unnest(
    %(west)s::double precision[], %(south)s::double precision[], %(low)s::double precision[],
    %(east)s::double precision[], %(north)s::double precision[], %(high)s::double precision[]
  ) AS b (west, south, low, east, north, high)
  CROSS JOIN LATERAL (
    SELECT t.row_id
    FROM {table} AS t
    WHERE {meets}
      AND {held}
      AND t.valid_from <= {moment} AND t.valid_to > {moment}
      AND t.dataset_id = ANY(%(datasets)s)
    LIMIT %(most)s
  ) AS n
)
