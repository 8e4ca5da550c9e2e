-- Rows by number, as one snapshot holds them.
SELECT {columns}
FROM {table} AS t
WHERE t.row_id = ANY(%(rows)s::bigint[])
