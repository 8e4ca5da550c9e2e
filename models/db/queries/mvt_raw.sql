-- Features themselves: $6 datasets, $7 to $12 the map from the storage CRS to units of the tile,
-- $13 to $16 the tile with its margin in the storage CRS, $17 its SRID.
SELECT
  {raw},
  ST_AsMVTGeom(
    ST_Affine({shape}, $7, $8, $9, $10, $11, $12), ST_MakeEnvelope(0, 0, 4096, 4096), 4096, 64
  ) AS geom
FROM {table} AS t
WHERE t.geom && ST_MakeEnvelope($13, $14, $15, $16, $17)
  AND t.tx_to = 'infinity'
  AND t.valid_from <= now() AND t.valid_to > now()
  AND t.dataset_id = ANY($6::bigint[])
