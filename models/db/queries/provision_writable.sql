-- A row where the read role (value) may write in this database what belongs to no table of ours:
-- temporary tables and large objects. PostgreSQL lets everybody do so.
SELECT 1
FROM pg_roles AS reader
WHERE reader.rolname = %s
  AND (
    has_database_privilege(reader.oid, current_database(), 'TEMPORARY')
    OR EXISTS (
      SELECT
      FROM pg_proc AS p
      WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea')
        AND has_function_privilege(reader.oid, p.oid, 'EXECUTE')
    )
  )
