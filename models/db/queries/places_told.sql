-- $1 ids.
SELECT
  p.id, p.kind, p.name, p.address, p.layer, p.feature_id::text AS feature, p.search, p.pinyin,
  p.address_pinyin, p.spine, p.features, p.height, s.name AS source,
  ST_X(p.geom) AS east, ST_Y(p.geom) AS north
FROM place AS p
JOIN place_source AS s ON s.id = p.source_id
WHERE p.id = ANY($1::bigint[])
