-- Features of a twin as they were at a moment of the city (%(datetime)s, null: now), as we held it
-- at a moment of record time (%(as_of)s, null: now).
SELECT {columns}
FROM {table} AS t
JOIN dataset AS d ON d.id = t.dataset_id
WHERE d.twin_id = %(twin)s
  AND {held}
  AND t.valid_from <= {moment} AND t.valid_to > {moment}
ORDER BY t.id
