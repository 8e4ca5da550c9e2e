-- What a piece of work came to; the same work again comes to the same.
INSERT INTO tile_content (
  twin_id, layer, store, digest, uri, box, size, far, keys, low, high, massing, statistics, schema,
  refused
)
VALUES (
  %(twin)s, %(layer)s, %(store)s, %(digest)s, %(uri)s, %(box)s, %(size)s, %(far)s,
  %(keys)s::bigint[], %(low)s, %(high)s, %(massing)s, %(statistics)s, %(schema)s, %(refused)s
)
ON CONFLICT (twin_id, layer, store, digest) DO UPDATE SET made = now()
