-- Datasets of a twin with their newest revision and the overviews that are fresh;
-- one made of an older revision, or before a date from which a revision counts, is stale.
SELECT
  d.id, d.theme, r.id,
  coalesce(
    array_agg(o.layer || '/' || o.tms) FILTER (
      WHERE o.revision_id = r.id AND NOT EXISTS (
        SELECT FROM revision AS v
        WHERE v.dataset_id = d.id AND v.valid_from > o.built AND v.valid_from <= now()
      )
    ),
    '{{}}'
  )
FROM dataset AS d
CROSS JOIN LATERAL (
  SELECT id FROM revision WHERE dataset_id = d.id ORDER BY number DESC LIMIT 1
) AS r
LEFT JOIN mvt_overview AS o ON o.dataset_id = d.id
WHERE d.twin_id = %(twin)s
GROUP BY d.id, d.theme, r.id
ORDER BY d.id
