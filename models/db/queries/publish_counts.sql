SELECT
  (SELECT count(*) FROM {fresh}) AS fresh,
  count(DISTINCT id) FILTER (WHERE replaced) AS changed,
  count(DISTINCT id) FILTER (WHERE NOT replaced) AS closed
FROM {gone}
