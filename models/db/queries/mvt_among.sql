-- A condition: the row's box touches one of some boxes. A list of rows, so that the index on place
-- is asked box by box.
AND t.row_id IN (
  SELECT n.row_id
  FROM unnest(%(boxes)s::bytea[]) AS b (box)
  JOIN {table} AS n ON n.geom && ST_GeomFromWKB(b.box, %(srid)s) AND n.tx_to = 'infinity'
)
