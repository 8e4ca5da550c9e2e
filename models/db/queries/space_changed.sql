-- Features of a table that differ between two states: only in the first, only in the second, or in
-- both with another content. The states are those held at %(as_of_a)s and %(as_of_b)s (null: now)
-- of what was so in the city at %(datetime_a)s and %(datetime_b)s (null: now).
SELECT coalesce(a.id, b.id)::text, a.row_id, b.row_id
FROM (
  SELECT t.id, t.row_id, t.content_sha FROM {table} AS t
  WHERE {held_a}
    AND t.valid_from <= coalesce(%(datetime_a)s, now())
    AND t.valid_to > coalesce(%(datetime_a)s, now())
    AND t.dataset_id = ANY(%(datasets)s)
    AND {meets}
) AS a
FULL JOIN (
  SELECT t.id, t.row_id, t.content_sha FROM {table} AS t
  WHERE {held_b}
    AND t.valid_from <= coalesce(%(datetime_b)s, now())
    AND t.valid_to > coalesce(%(datetime_b)s, now())
    AND t.dataset_id = ANY(%(datasets)s)
    AND {meets}
) AS b ON b.id = a.id
WHERE a.content_sha IS DISTINCT FROM b.content_sha
ORDER BY 1
LIMIT %(most)s
