-- Datasets of a twin whose names are missing or of an older state, with what signs the newest.
SELECT d.id, d.name, d.theme, r.signature
FROM dataset AS d
CROSS JOIN LATERAL (
  SELECT
    max(v.id)::text || '/' || count(*) FILTER (WHERE v.valid_from <= now())::text AS signature
  FROM revision AS v WHERE v.dataset_id = d.id
) AS r
WHERE d.twin_id = %(twin)s
  AND r.signature IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM place_source AS s WHERE s.dataset_id = d.id AND s.signature = r.signature
  )
ORDER BY d.id
