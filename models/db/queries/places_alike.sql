-- $1 twin, $2 pinyin, $3 how many. The operator compares with pg_trgm's own threshold (0.3).
SELECT p.id FROM place AS p WHERE p.pinyin % $2 AND p.twin_id = $1 LIMIT $3
