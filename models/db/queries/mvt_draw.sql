-- Bring what was staged into the units of its tiles, clipped with a margin, in the order of tiles:
-- a tile is then read from neighbouring pages.
INSERT INTO mvt_drawn (overview_id, zoom, tile_row, tile_col, kind, count, measure, size, geom)
SELECT %(overview)s, d.zoom, d.tile_row, d.tile_col, d.kind, d.count, d.measure, d.size, d.geom
FROM (
  SELECT
    s.*,
    ST_AsMVTGeom(
      s.shape,
      ST_MakeEnvelope(
        s.west, s.north - %(span)s / 2.0 ^ s.zoom, s.west + %(span)s / 2.0 ^ s.zoom, s.north
      ),
      4096, 64
    ) AS geom
  FROM (
    SELECT
      t.*,
      %(east)s + t.tile_col * %(span)s / 2.0 ^ t.zoom AS west,
      %(top)s - t.tile_row * %(span)s / 2.0 ^ t.zoom AS north
    FROM mvt_stage AS t
  ) AS s
) AS d
WHERE d.geom IS NOT NULL
ORDER BY d.zoom, d.tile_row, d.tile_col
