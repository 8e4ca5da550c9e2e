-- Running jobs whose connection is gone: nobody holds the lock of the job any more, whose 64 bits
-- pg_locks shows as two halves.
UPDATE job
SET state = 'abandoned', finished = clock_timestamp(), error_en = %(en)s, error_zh = %(zh)s
WHERE state = 'running' AND NOT EXISTS (
  SELECT FROM pg_locks AS l
  WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid::bigint << 32 | l.objid::bigint
      = hashtextextended('job/' || job.id::text, 1)
)
RETURNING {columns}
