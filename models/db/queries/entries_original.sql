-- Delivered files ($2) of a twin ($1) whose contents are kept, and for each every dataset, of any
-- twin, that the same content filled: who may have it is decided by all of them.
SELECT
  f.id, f.name, f.sha256, f.size,
  coalesce(
    (
      SELECT jsonb_agg(DISTINCT jsonb_build_array(
        ov.twin_id, p.dataset, p.theme, coalesce(e.visibility, 'restricted'), g.name
      ))
      FROM delivery_file AS same
      JOIN delivery AS ov ON ov.id = same.delivery_id
      JOIN delivery_part_file AS pf ON pf.file_id = same.id
      JOIN delivery_part AS p ON p.id = pf.part_id
      LEFT JOIN catalogue_entry AS e
        ON e.twin_id = ov.twin_id AND e.name = p.dataset AND e.theme = p.theme
      LEFT JOIN organisation AS g ON g.id = e.organisation_id
      WHERE same.sha256 = f.sha256 AND p.state <> 'refused'
    ),
    '[]'
  ) AS datasets
FROM delivery_file AS f
JOIN delivery AS v ON v.id = f.delivery_id
JOIN original AS c ON c.sha256 = f.sha256 AND c.removed IS NULL
WHERE v.twin_id = $1 AND f.id = ANY($2::uuid[])
ORDER BY f.name, f.id
