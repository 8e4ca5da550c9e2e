-- $1 twin, $2 a spine, $3 spines of its lane and road, $4 and $5 the least text that begins with the
-- spine and a slash and the least that follows all such, $6 how many.
SELECT f.id, f.relation
FROM (
  SELECT p.id, 'same' AS relation, 1 AS place, p.spine
  FROM place AS p WHERE p.twin_id = $1 AND p.spine = $2
  UNION ALL
  SELECT p.id, 'above', 2, p.spine
  FROM place AS p
  WHERE p.twin_id = $1 AND p.spine = ANY($3::text[]) AND (p.features IS NOT NULL OR p.kind = 'road')
  UNION ALL
  (
    SELECT p.id, 'below', 3, p.spine
    FROM place AS p
    WHERE p.twin_id = $1 AND p.spine ~>=~ $4 AND p.spine ~<~ $5
    ORDER BY p.spine USING ~<~
    LIMIT $6
  )
) AS f
ORDER BY f.place, f.spine, f.id
LIMIT $6
