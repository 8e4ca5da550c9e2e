-- Rows that the database already holds with this content for the whole period need nothing.
DELETE FROM {fresh} AS f
USING {table} AS c
WHERE c.id = f.id
  AND c.content_sha = f.content_sha
  AND c.dataset_id = %(dataset)s
  AND c.tx_to = 'infinity'
  AND c.valid_from <= %(start)s::timestamptz
  AND c.valid_to >= %(end)s::timestamptz
