-- What a piece of work came to, this time: other bytes than before are in another file.
INSERT INTO tile_content (
  twin_id, layer, store, digest, uri, box, size, far, keys, low, high, massing, statistics, schema,
  refused
)
VALUES (
  %(twin)s, %(layer)s, %(store)s, %(digest)s, %(uri)s, %(box)s, %(size)s, %(far)s,
  %(keys)s::bigint[], %(low)s, %(high)s, %(massing)s, %(statistics)s, %(schema)s, %(refused)s
)
ON CONFLICT (twin_id, layer, store, digest) DO UPDATE SET
  uri = excluded.uri,
  box = excluded.box,
  size = excluded.size,
  far = excluded.far,
  keys = excluded.keys,
  low = excluded.low,
  high = excluded.high,
  massing = excluded.massing,
  statistics = excluded.statistics,
  schema = excluded.schema,
  refused = excluded.refused,
  made = now()
