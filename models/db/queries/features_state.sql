-- What a twin's datasets of one theme hold: $1 twin, $2 theme, $3 moment in the city (null: now),
-- $4 moment of record time (null: the newest). Rows begin and end to be true only where a revision
-- says so, hence the last such boundary before the moment stands for the moment itself.
WITH mine AS (
  SELECT id, name FROM dataset WHERE twin_id = $1 AND theme = $2
),
told AS (
  SELECT r.id, r.recorded, r.valid_from
  FROM revision AS r
  WHERE r.dataset_id IN (SELECT id FROM mine)
)
SELECT
  coalesce((SELECT array_agg(id ORDER BY id) FROM mine), '{}') AS datasets,
  coalesce((SELECT array_agg(name ORDER BY id) FROM mine), '{}') AS names,
  (SELECT max(recorded) FROM told) AS newest,
  max(recorded) AS recorded,
  coalesce(max(id), 0) AS revision,
  max(valid_from) FILTER (WHERE valid_from <= coalesce($3::timestamptz, now())) AS moment
FROM told
WHERE recorded <= coalesce($4::timestamptz, 'infinity')
