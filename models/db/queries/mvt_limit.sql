-- Only the largest, in the tile's units; of points those that stand for most.
ORDER BY
  ST_XMax(geom) - ST_XMin(geom) + ST_YMax(geom) - ST_YMin(geom) DESC, count DESC NULLS LAST
LIMIT {most}
