-- What was delivered for datasets ($2 names) of a twin ($1), newest first.
SELECT
  p.dataset AS name, p.theme, v.received, o.name AS organisation, v.licence, v.tool, v.rules,
  v.declared, p.state, r.number AS revision, p.features_in, p.accepted, p.findings, p.steps,
  coalesce(
    (
      SELECT jsonb_agg(
        jsonb_build_object(
          'id', f.id, 'name', f.name, 'sha256', f.sha256, 'size', f.size,
          'original', CASE
            WHEN c.sha256 IS NULL THEN 'not kept' WHEN c.removed IS NULL THEN 'kept'
            ELSE 'deleted' END,
          'deleted', c.removed
        ) ORDER BY f.name, f.id
      )
      FROM delivery_part_file AS pf
      JOIN delivery_file AS f ON f.id = pf.file_id
      LEFT JOIN original AS c ON c.sha256 = f.sha256
      WHERE pf.part_id = p.id
    ),
    '[]'
  ) AS files
FROM delivery_part AS p
JOIN delivery AS v ON v.id = p.delivery_id
LEFT JOIN organisation AS o ON o.id = v.organisation_id
LEFT JOIN revision AS r ON r.id = p.revision_id
WHERE v.twin_id = $1 AND p.dataset = ANY($2::text[])
ORDER BY p.id DESC
