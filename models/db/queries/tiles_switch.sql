-- The state of a layer that is published now.
INSERT INTO tile_layer (
  twin_id, layer, store, options, signature, revision_id, seen, root, features_in, edits, tree,
  schema, refused, files
)
VALUES (
  %(twin)s, %(layer)s, %(store)s, %(options)s, %(signature)s, %(revision)s, %(seen)s, %(root)s,
  %(features)s, %(edits)s, %(tree)s, %(schema)s, %(refused)s, %(files)s
)
ON CONFLICT (twin_id, layer, store) DO UPDATE SET
  options = excluded.options,
  signature = excluded.signature,
  revision_id = excluded.revision_id,
  seen = excluded.seen,
  root = excluded.root,
  features_in = excluded.features_in,
  edits = excluded.edits,
  tree = excluded.tree,
  schema = excluded.schema,
  refused = excluded.refused,
  files = excluded.files,
  published = now()
