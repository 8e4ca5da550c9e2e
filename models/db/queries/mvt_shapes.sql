-- What a dataset's features of a table look like from above, as they are now.
SELECT ST_AsBinary({shape}), {kind}, {size}
FROM {table} AS t
WHERE t.dataset_id = %(dataset)s
  AND t.tx_to = 'infinity'
  AND t.valid_from <= now() AND t.valid_to > now()
  AND t.geom IS NOT NULL
  {among}
ORDER BY t.row_id
