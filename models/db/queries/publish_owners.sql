-- Owners of what is changed or ended; a table without owners gives one row, of nobody.
SELECT
  {owner} AS owner,
  count(DISTINCT g.id) FILTER (WHERE g.replaced) AS changed,
  count(DISTINCT g.id) FILTER (WHERE NOT g.replaced) AS ended
FROM {gone} AS g
JOIN {table} AS c ON c.row_id = g.row_id
GROUP BY 1
