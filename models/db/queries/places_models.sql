-- Buildings of BIM models, in the middle of one of their bodies.
SELECT DISTINCT ON (t.building_name)
  'building', t.building_name, NULL, 'bim-elements', t.id::text,
  (ST_XMin(t.geom) + ST_XMax(t.geom)) / 2, (ST_YMin(t.geom) + ST_YMax(t.geom)) / 2
FROM bim_element AS t
WHERE t.dataset_id = %(dataset)s
  AND t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()
  AND t.building_name IS NOT NULL AND t.geom IS NOT NULL
ORDER BY t.building_name, t.id
