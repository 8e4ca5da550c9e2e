-- Tables and views that the read role may not select from; none where there is no such role.
SELECT c.relname
FROM pg_class AS c
JOIN pg_roles AS reader ON reader.rolname = %s
WHERE c.relnamespace = 'public'::regnamespace
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT has_table_privilege(reader.oid, c.oid, 'SELECT')
LIMIT 1
