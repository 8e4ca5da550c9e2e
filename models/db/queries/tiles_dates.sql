-- Twins with a layer in a store in which what is true began to differ by date after the layer was
-- tiled and after a moment, and when (seconds from now) it next will. What is true ends only where
-- a later revision begins.
SELECT
  coalesce(array_agg(DISTINCT d.twin_id) FILTER (WHERE r.valid_from <= now()), '{{}}'),
  extract(epoch FROM min(r.valid_from) FILTER (WHERE r.valid_from > now()) - now())::float8,
  now()
FROM tile_layer AS l
JOIN dataset AS d ON d.twin_id = l.twin_id AND d.theme = l.layer
JOIN revision AS r ON r.dataset_id = d.id
WHERE l.store = %(store)s AND r.valid_from > greatest(l.seen, %(after)s)
