-- Datasets of a twin whose numbers are not those of their newest revision.
SELECT d.id, d.name, d.theme, r.id
FROM dataset AS d
JOIN LATERAL (
  SELECT id FROM revision WHERE dataset_id = d.id ORDER BY number DESC LIMIT 1
) AS r ON true
LEFT JOIN catalogue_entry AS e ON e.dataset_id = d.id
WHERE d.twin_id = %(twin)s AND e.revision_id IS DISTINCT FROM r.id
ORDER BY d.id
