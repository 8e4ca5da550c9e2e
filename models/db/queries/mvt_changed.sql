-- Boxes of rows of a dataset that revisions newer than an overview wrote or ended, or whose period
-- of valid time began or ended since it was built.
WITH newer AS (
  SELECT id, recorded FROM revision WHERE dataset_id = %(dataset)s AND id > %(revision)s
),
due AS (
  SELECT valid_from FROM revision
  WHERE dataset_id = %(dataset)s AND valid_from > %(built)s AND valid_from <= now()
)
SELECT ST_XMin(c.geom), ST_YMin(c.geom), ST_XMax(c.geom), ST_YMax(c.geom)
FROM (
  SELECT t.geom FROM {table} AS t
  WHERE t.dataset_id = %(dataset)s AND t.revision_id IN (SELECT id FROM newer)
  UNION ALL
  SELECT t.geom FROM {table} AS t
  WHERE t.dataset_id = %(dataset)s AND t.tx_to IN (SELECT recorded FROM newer)
  UNION ALL
  SELECT t.geom FROM {table} AS t
  WHERE EXISTS (SELECT FROM due)
    AND t.dataset_id = %(dataset)s AND t.tx_to = 'infinity'
    AND (
      t.valid_from IN (SELECT valid_from FROM due) OR t.valid_to IN (SELECT valid_from FROM due)
    )
) AS c
WHERE c.geom IS NOT NULL AND NOT ST_IsEmpty(c.geom)
LIMIT %(most)s
