-- What members the objects in {column} of a revision's rows have, added to what is known of the
-- dataset. The pattern is a decimal number that float8 holds and that is no code (0012).
INSERT INTO source_attribute AS a
  (dataset_id, feature_table, path, numbers, decimals, texts, booleans, others)
SELECT
  %(dataset)s, %(table)s, m.path,
  count(*) FILTER (WHERE m.kind = 'number'),
  count(*) FILTER (WHERE m.kind = 'string' AND m.value #>> '{{}}' ~ %(decimal)s),
  count(*) FILTER (WHERE m.kind = 'string' AND m.value #>> '{{}}' !~ %(decimal)s),
  count(*) FILTER (WHERE m.kind = 'boolean'),
  count(*) FILTER (WHERE m.kind IN ('array', 'object'))
FROM (
  SELECT
    array_remove(ARRAY[%(column)s, o.key, i.key], NULL) AS path,
    coalesce(i.value, o.value) AS value,
    jsonb_typeof(coalesce(i.value, o.value)) AS kind
  FROM {table} AS t
  CROSS JOIN LATERAL
    jsonb_each(CASE WHEN jsonb_typeof(t.{column}) = 'object' THEN t.{column} END) AS o
  LEFT JOIN LATERAL
    jsonb_each(CASE WHEN jsonb_typeof(o.value) = 'object' THEN o.value END) AS i ON true
  WHERE t.dataset_id = %(dataset)s AND t.revision_id = %(revision)s
) AS m
WHERE m.kind <> 'null' AND length(m.path::text) <= %(longest)s
GROUP BY m.path
ORDER BY count(*) DESC, m.path
LIMIT %(most)s
ON CONFLICT (dataset_id, feature_table, path) DO UPDATE SET
  numbers = a.numbers + excluded.numbers,
  decimals = a.decimals + excluded.decimals,
  texts = a.texts + excluded.texts,
  booleans = a.booleans + excluded.booleans,
  others = a.others + excluded.others
