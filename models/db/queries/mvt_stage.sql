CREATE TEMP TABLE mvt_stage (
  zoom smallint, tile_row integer, tile_col integer, kind text, count integer,
  measure double precision, size double precision, shape geometry
)
