-- Files of the published state that the next one does not reach.
INSERT INTO tile_retired (twin_id, layer, store, name)
SELECT twin_id, layer, store, name
FROM tile_layer, unnest(files) AS name
WHERE twin_id = %(twin)s AND layer = %(layer)s AND store = %(store)s AND name <> ALL(%(files)s)
ON CONFLICT DO NOTHING
