-- Running jobs that told nothing for so long and whose connection is gone: the lock that it held is
-- free, and is let go again at the end of this statement.
WITH quiet AS MATERIALIZED (
  SELECT id FROM job WHERE state = 'running' AND heartbeat < clock_timestamp() - %(silent)s
),
lost AS MATERIALIZED (
  SELECT id FROM quiet WHERE pg_try_advisory_xact_lock(hashtextextended('job/' || id::text, 1))
)
UPDATE job SET state = 'abandoned', finished = clock_timestamp()
WHERE state = 'running' AND id IN (SELECT id FROM lost)
RETURNING {columns}
