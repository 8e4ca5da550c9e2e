-- $1 twin, $2 id. The name of the table is the only thing filled in, from a fixed list.
-- Geometries are emptied first: to_jsonb writes them as GeoJSON, which has no PolyhedralSurface.
SELECT
  '{table}' AS name,
  to_jsonb(jsonb_populate_record(t, '{"geom": null}'))
    - '{geom,source_geom,row_id,dataset_id,revision_id,file_id,content_sha,tx_to}'::text[]
    || jsonb_build_object(
      'dataset', d.name, 'file', f.name, 'file_sha256', f.sha256, 'revision', r.number
    ) AS attributes
FROM {table} AS t
JOIN dataset AS d ON d.id = t.dataset_id
JOIN revision AS r ON r.id = t.revision_id
JOIN source_file AS f ON f.id = t.file_id
WHERE t.id = $2
  AND d.twin_id = $1
  AND t.tx_to = 'infinity'
  AND t.valid_from <= now() AND t.valid_to > now()
