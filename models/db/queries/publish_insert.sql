-- What the delivery says anew, for the period [start, end). In spatial order, so that neighbours
-- lie together on disk.
INSERT INTO {table}
  ({columns}, dataset_id, revision_id, file_id, content_sha, valid_from, valid_to, tx_from)
SELECT
  {staged}, %(dataset)s, %(revision)s, (%(files)s::bigint[])[s.delivery], f.content_sha,
  %(start)s::timestamptz, %(end)s::timestamptz, %(recorded)s
FROM {stage} AS s
JOIN {fresh} AS f ON f.id = s.id
ORDER BY s.geom
