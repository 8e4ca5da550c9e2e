-- $1 twin, $2 feature table, $3 how many. Those that most features have come first.
SELECT
  a.path, sum(a.numbers)::bigint AS numbers, sum(a.decimals)::bigint AS decimals,
  sum(a.texts)::bigint AS texts, sum(a.booleans)::bigint AS booleans,
  sum(a.others)::bigint AS others
FROM source_attribute AS a
JOIN dataset AS d ON d.id = a.dataset_id
WHERE d.twin_id = $1 AND a.feature_table = $2
GROUP BY a.path
ORDER BY sum(a.numbers + a.decimals + a.texts + a.booleans) DESC, a.path
LIMIT $3
