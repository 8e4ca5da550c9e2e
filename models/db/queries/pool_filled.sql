-- $1 twin. A row where the table has any that is current now: none is counted. A range in order, not
-- an equation, lets nothing but an index by dataset serve, also where a dataset has no rows at all.
SELECT '{table}' AS name
WHERE EXISTS (
  SELECT FROM dataset AS d
  CROSS JOIN LATERAL (
    SELECT FROM {table} AS t
    WHERE t.dataset_id BETWEEN d.id AND d.id
      AND t.tx_to = 'infinity'
      AND t.valid_from <= now() AND t.valid_to > now()
    ORDER BY t.dataset_id
    LIMIT 1
  ) AS one
  WHERE d.twin_id = $1
)
