INSERT INTO twin (id, name_zh, name_en, lon, lat, extent, ground_height)
VALUES (
  %(id)s, %(name_zh)s, %(name_en)s, %(lon)s, %(lat)s, %(extent)s::double precision[],
  %(ground_height)s
)
ON CONFLICT (id) DO UPDATE SET
  name_zh = excluded.name_zh,
  name_en = excluded.name_en,
  lon = excluded.lon,
  lat = excluded.lat,
  extent = excluded.extent,
  ground_height = excluded.ground_height
WHERE (twin.name_zh, twin.name_en, twin.lon, twin.lat, twin.extent, twin.ground_height)
  IS DISTINCT FROM (
    excluded.name_zh, excluded.name_en, excluded.lon, excluded.lat, excluded.extent,
    excluded.ground_height
  )
RETURNING id
