-- An overview that was brought up to a revision.
UPDATE mvt_overview
SET
  revision_id = %(revision)s, built = now(), extent = %(extent)s,
  features = (
    SELECT count(*) FROM {table} AS t
    WHERE t.dataset_id = %(dataset)s
      AND t.tx_to = 'infinity'
      AND t.valid_from <= now() AND t.valid_to > now()
      AND t.geom IS NOT NULL
  )
WHERE id = %(overview)s
