-- Revisions of a theme that are newer than the newest one seen, with their datasets and moments of
-- record time; and those recorded ahead whose date has come since the moment seen.
SELECT
  coalesce(array_agg(DISTINCT r.id) FILTER (WHERE r.id > %(revision)s), '{{}}'),
  coalesce(array_agg(DISTINCT r.dataset_id) FILTER (WHERE r.id > %(revision)s), '{{}}'),
  coalesce(array_agg(DISTINCT r.recorded) FILTER (WHERE r.id > %(revision)s), '{{}}'),
  coalesce(
    array_agg(DISTINCT r.dataset_id)
      FILTER (WHERE r.valid_from > %(seen)s AND r.valid_from <= now() AND r.id <= %(revision)s),
    '{{}}'
  ),
  coalesce(
    array_agg(DISTINCT r.valid_from)
      FILTER (WHERE r.valid_from > %(seen)s AND r.valid_from <= now() AND r.id <= %(revision)s),
    '{{}}'
  )
FROM revision AS r
JOIN dataset AS d ON d.id = r.dataset_id
WHERE d.twin_id = %(twin)s AND d.theme = %(theme)s
