-- Record time: now, but later than every earlier revision even if the clock was set back.
-- Valid period: from the declared date (else now) to the next later-dated revision. It is text,
-- since 'infinity' has no Python value.
WITH newest AS (
  SELECT id, number, recorded FROM revision
  WHERE dataset_id = %(dataset)s
  ORDER BY number DESC LIMIT 1
),
clock AS (
  SELECT greatest(
    clock_timestamp(),
    (SELECT recorded + interval '1 microsecond' FROM newest)
  ) AS recorded
),
moment AS (
  SELECT recorded, coalesce(%(declared)s::timestamptz, recorded) AS start FROM clock
)
SELECT
  m.recorded,
  m.start,
  (
    SELECT coalesce(min(r.valid_from), 'infinity')::text FROM revision AS r
    WHERE r.dataset_id = %(dataset)s AND r.valid_from > m.start
  ) AS "end",
  (SELECT id FROM newest) AS last_id,
  coalesce((SELECT number FROM newest), 0) AS last,
  EXISTS (
    SELECT FROM revision AS r WHERE r.dataset_id = %(dataset)s AND r.valid_from = m.start
  ) AS known
FROM moment AS m
