SELECT
  r.id, d.name, r.number, r.valid_from, r.recorded, r.complete, r.counts,
  coalesce(
    (
      SELECT jsonb_agg(
        jsonb_build_object('name', f.name, 'sha256', f.sha256, 'size', f.size) ORDER BY f.id
      )
      FROM source_file AS f WHERE f.revision_id = r.id
    ),
    '[]'
  )
FROM revision AS r
JOIN dataset AS d ON d.id = r.dataset_id
WHERE d.twin_id = %(twin)s AND (%(dataset)s::text IS NULL OR d.name = %(dataset)s)
ORDER BY r.recorded, r.id
