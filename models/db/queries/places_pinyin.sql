-- $1 twin, $2 a part of the pinyin as a pattern, $3 the same of an address, $4 how many of each.
(SELECT p.id FROM place AS p WHERE p.pinyin LIKE $2 AND p.twin_id = $1 LIMIT $4)
UNION
(SELECT p.id FROM place AS p WHERE p.address_pinyin LIKE $3 AND p.twin_id = $1 LIMIT $4)
