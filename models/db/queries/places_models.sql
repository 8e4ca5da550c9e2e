-- Buildings of BIM models, their storeys and rooms, each in the middle of one of its bodies.
SELECT f.kind, f.name, f.address, 'bim-elements', f.id::text, f.east, f.north
FROM (
  SELECT DISTINCT ON (n.kind, n.name, n.address, n.key)
    n.kind, n.name, n.address, t.id,
    (ST_XMin(t.geom) + ST_XMax(t.geom)) / 2 AS east,
    (ST_YMin(t.geom) + ST_YMax(t.geom)) / 2 AS north
  FROM bim_element AS t
  CROSS JOIN LATERAL (
    VALUES
      ('building', t.building_name, NULL, NULL),
      ('storey', t.storey_name, t.building_name, NULL),
      (
        'room',
        CASE WHEN t.ifc_class = 'IfcSpace' THEN coalesce(t.long_name, t.name) END,
        concat_ws(' ', t.building_name, t.storey_name),
        t.key
      )
  ) AS n (kind, name, address, key)
  WHERE t.dataset_id = %(dataset)s
    AND t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()
    AND n.name IS NOT NULL AND t.geom IS NOT NULL
  ORDER BY n.kind, n.name, n.address, n.key, t.id
) AS f
