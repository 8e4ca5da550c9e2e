-- $1 twin, $2 and $3 the least text that begins so and the least that follows all such, $4 how many.
SELECT p.id FROM place AS p
WHERE p.twin_id = $1 AND p.search ~>=~ $2 AND p.search ~<~ $3
ORDER BY p.search USING ~<~
LIMIT $4
