SELECT
  d.id, d.name, d.theme, o.name, d.horizontal, d.vertical, d.epoch, d.method, d.accuracy,
  d.created, r.id, r.number, r.recorded
FROM dataset AS d
LEFT JOIN organisation AS o ON o.id = d.organisation_id
LEFT JOIN LATERAL (
  SELECT id, number, recorded FROM revision
  WHERE dataset_id = d.id ORDER BY number DESC LIMIT 1
) AS r ON true
WHERE d.twin_id = %(twin)s
ORDER BY d.name
