-- Close the record time of what is gone, and record again what stays true of it before and after
-- the period. Nothing is overwritten: reading as of an earlier moment still finds the old rows.
WITH shut AS (
  UPDATE {table} AS c
  SET tx_to = %(recorded)s
  FROM {gone} AS g
  WHERE c.row_id = g.row_id
  RETURNING c.*
)
INSERT INTO {table}
  ({columns}, dataset_id, revision_id, file_id, content_sha, valid_from, valid_to, tx_from)
SELECT
  {columns}, dataset_id, %(revision)s, file_id, content_sha, period.valid_from, period.valid_to,
  %(recorded)s
FROM shut
CROSS JOIN LATERAL (
  VALUES
    (shut.valid_from, %(start)s::timestamptz),
    (%(end)s::timestamptz, shut.valid_to)
) AS period (valid_from, valid_to)
WHERE period.valid_from < period.valid_to
