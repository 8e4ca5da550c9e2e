-- Rows held for true that reach into the period and say something else than the delivery:
-- replaced by another content, or (in a complete delivery) no longer there.
CREATE TEMP TABLE {gone} ON COMMIT DROP AS
SELECT c.row_id, c.id, f.id IS NOT NULL AS replaced
FROM {table} AS c
LEFT JOIN {fresh} AS f ON f.id = c.id
WHERE c.dataset_id = %(dataset)s
  AND c.tx_to = 'infinity'
  AND c.valid_from < %(end)s::timestamptz
  AND c.valid_to > %(start)s::timestamptz
  AND (
    f.id IS NOT NULL
    OR (%(complete)s AND NOT EXISTS (SELECT FROM {stage} AS s WHERE s.id = c.id))
  )
