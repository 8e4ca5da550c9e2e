-- Points whose looks may depend on the segments and points given, as they are or ever were: what
-- these segments name or named, and what segments name that name one of these points.
WITH moved AS (
  SELECT p.id, p.dataset_id, p.exp_no AS number FROM pipe_point AS p WHERE p.id = ANY(%(points)s)
),
named AS (
  SELECT s.from_point_id AS id, s.dataset_id, s.from_point AS number
  FROM pipe_segment AS s WHERE s.id = ANY(%(segments)s)
  UNION
  SELECT s.to_point_id, s.dataset_id, s.to_point
  FROM pipe_segment AS s WHERE s.id = ANY(%(segments)s)
  UNION
  SELECT s.from_point_id, s.dataset_id, s.from_point
  FROM moved JOIN pipe_segment AS s ON s.from_point_id = moved.id AND s.tx_to = 'infinity'
  UNION
  SELECT s.to_point_id, s.dataset_id, s.to_point
  FROM moved JOIN pipe_segment AS s ON s.to_point_id = moved.id AND s.tx_to = 'infinity'
  UNION
  SELECT s.from_point_id, s.dataset_id, s.from_point
  FROM moved
  JOIN pipe_segment AS s
    ON s.dataset_id = moved.dataset_id AND s.from_point = moved.number AND s.tx_to = 'infinity'
  UNION
  SELECT s.to_point_id, s.dataset_id, s.to_point
  FROM moved
  JOIN pipe_segment AS s
    ON s.dataset_id = moved.dataset_id AND s.to_point = moved.number AND s.tx_to = 'infinity'
)
SELECT id FROM moved
UNION
SELECT p.id FROM named JOIN pipe_point AS p ON p.id = named.id
UNION
SELECT p.id
FROM named
JOIN pipe_point AS p
  ON p.dataset_id = named.dataset_id AND p.exp_no = named.number AND p.tx_to = 'infinity'
