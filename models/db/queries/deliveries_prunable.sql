-- Contents that may go: every delivery that brought them was received before the moment, and none
-- of them is the newest of a dataset that it filled.
WITH filled AS (
  SELECT p.delivery_id, v.twin_id, p.dataset, p.theme, v.received,
    row_number() OVER (PARTITION BY v.twin_id, p.dataset, p.theme ORDER BY v.id DESC) AS age
  FROM delivery_part AS p
  JOIN delivery AS v ON v.id = p.delivery_id
  WHERE p.state <> 'refused'
)
SELECT o.sha256, o.size
FROM original AS o
WHERE o.removed IS NULL
  AND NOT EXISTS (
    SELECT FROM delivery_file AS f
    JOIN delivery AS v ON v.id = f.delivery_id
    WHERE f.sha256 = o.sha256
      AND (
        v.received >= %(before)s
        OR EXISTS (SELECT FROM filled AS n WHERE n.delivery_id = v.id AND n.age = 1)
      )
  )
ORDER BY o.kept
