-- Revisions of datasets ($2 names) of a twin ($1), newest first, with the sources they were read
-- from.
SELECT
  d.name, d.theme, r.number, r.valid_from, r.recorded, r.complete, r.counts,
  coalesce(
    (
      SELECT jsonb_agg(
        jsonb_build_object(
          'name', f.name, 'sha256', f.sha256, 'size', f.size, 'features', f.features_in,
          'horizontal', f.horizontal, 'vertical', f.vertical, 'epoch', f.epoch,
          'method', f.method, 'accuracy', f.accuracy
        ) ORDER BY f.id
      )
      FROM source_file AS f WHERE f.revision_id = r.id
    ),
    '[]'
  ) AS sources
FROM revision AS r
JOIN dataset AS d ON d.id = r.dataset_id
WHERE d.twin_id = $1 AND d.name = ANY($2::text[])
ORDER BY r.number DESC
