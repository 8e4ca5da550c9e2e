-- Segments, as they are now, that name one of the points by id or by number.
WITH sought AS (
  SELECT p.id, p.dataset_id, p.exp_no AS number FROM pipe_point AS p
  WHERE p.row_id = ANY(%(points)s)
),
found AS (
  SELECT s.row_id FROM sought JOIN pipe_segment AS s ON s.from_point_id = sought.id AND {now}
  UNION
  SELECT s.row_id FROM sought JOIN pipe_segment AS s ON s.to_point_id = sought.id AND {now}
  UNION
  SELECT s.row_id FROM sought
  JOIN pipe_segment AS s
    ON s.dataset_id = sought.dataset_id AND s.from_point = sought.number AND {now}
  UNION
  SELECT s.row_id FROM sought
  JOIN pipe_segment AS s
    ON s.dataset_id = sought.dataset_id AND s.to_point = sought.number AND {now}
)
SELECT row_id FROM found
