-- $1 twin, $2 a part of the pinyin as a pattern, $3 how many.
SELECT p.id FROM place AS p WHERE p.pinyin LIKE $2 AND p.twin_id = $1 LIMIT $3
