-- Datasets of a twin with the newest revision that was recorded by a moment (null: now).
SELECT
  d.id, d.name, d.theme, d.horizontal, d.vertical, d.epoch, d.method, d.accuracy, r.id, r.number,
  r.recorded
FROM dataset AS d
CROSS JOIN LATERAL (
  SELECT v.id, v.number, v.recorded FROM revision AS v
  WHERE v.dataset_id = d.id
    AND (%(as_of)s::timestamptz IS NULL OR v.recorded <= %(as_of)s::timestamptz)
  ORDER BY v.number DESC LIMIT 1
) AS r
WHERE d.twin_id = %(twin)s
ORDER BY d.name
