-- What stands for features: $2 overviews, $3 level, $4 row, $5 column.
SELECT {drawn}, o.geom
FROM unnest($2::bigint[]) AS w (id)
JOIN mvt_drawn AS o
  ON o.overview_id = w.id AND o.zoom = $3::smallint AND o.tile_row = $4 AND o.tile_col = $5
