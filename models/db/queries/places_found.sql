-- $1 twin, $2 and $3 the least text that begins so and the least that follows all such, $4 and $5
-- the same of the pinyin, $6 and $7 grams that all must be there, $8 how many of each, $9 and $10
-- such beginnings of pinyin, of an address's pinyin or of its initials, $11 how many of each.
SELECT
  p.id, p.kind, p.name, p.address, p.layer, p.feature_id::text AS feature, p.search, p.pinyin,
  p.address_pinyin, p.spine, p.features, p.height, s.name AS source,
  ST_X(p.geom) AS east, ST_Y(p.geom) AS north
FROM place AS p
JOIN place_source AS s ON s.id = p.source_id
WHERE p.id IN (
  (
    SELECT b.id FROM place AS b
    WHERE b.twin_id = $1 AND b.search ~>=~ $2::text AND b.search ~<~ $3::text
    ORDER BY b.search USING ~<~ LIMIT $8
  )
  UNION ALL
  (
    SELECT b.id FROM place AS b
    WHERE b.twin_id = $1 AND b.pinyin ~>=~ $4::text AND b.pinyin ~<~ $5::text
    ORDER BY b.pinyin USING ~<~ LIMIT $8
  )
  UNION ALL
  (SELECT g.id FROM place AS g WHERE g.grams @> $6::text[] AND g.twin_id = $1 LIMIT $8)
  UNION ALL
  (SELECT g.id FROM place AS g WHERE g.grams @> $7::text[] AND g.twin_id = $1 LIMIT $8)
  UNION ALL
  SELECT f.id
  FROM unnest($9::text[], $10::text[]) AS w (least, after)
  CROSS JOIN LATERAL (
    (
      SELECT b.id FROM place AS b
      WHERE b.twin_id = $1 AND b.pinyin ~>=~ w.least AND b.pinyin ~<~ w.after
      ORDER BY b.pinyin USING ~<~ LIMIT $11
    )
    UNION ALL
    (
      SELECT b.id FROM place AS b
      WHERE b.twin_id = $1 AND b.address_pinyin ~>=~ w.least AND b.address_pinyin ~<~ w.after
      ORDER BY b.address_pinyin USING ~<~ LIMIT $11
    )
    UNION ALL
    (
      SELECT b.id FROM place AS b
      WHERE b.twin_id = $1 AND b.address_initials ~>=~ w.least AND b.address_initials ~<~ w.after
      ORDER BY b.address_initials USING ~<~ LIMIT $11
    )
  ) AS f
)
