-- $1 twin, $2 grams that all must be there, $3 how many.
SELECT p.id FROM place AS p WHERE p.grams @> $2::text[] AND p.twin_id = $1 LIMIT $3
