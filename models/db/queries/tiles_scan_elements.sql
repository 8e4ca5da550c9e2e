-- Fixed-width facts of BIM elements in order of id, NaN and 0 for null: box, what the mesh counts,
-- how many elements share it, bytes of texts, and why an element is left out (1: its class, 2: it
-- has no body).
SELECT f.id, ROW(
  f.row_id,
  coalesce(ST_XMin(f.box), 'NaN'), coalesce(ST_YMin(f.box), 'NaN'),
  coalesce(ST_ZMin(f.box), 'NaN'), coalesce(ST_XMax(f.box), 'NaN'),
  coalesce(ST_YMax(f.box), 'NaN'), coalesce(ST_ZMax(f.box), 'NaN'),
  coalesce(length(m.positions) / 24, 0), coalesce(length(m.indices) / 12, 0),
  f.uses::integer, f.octets, f.fault
) AS facts
FROM (
  SELECT
    t.row_id, t.id, t.mesh, t.octets, t.fault, Box3D(t.geom) AS box,
    count(*) OVER (PARTITION BY t.mesh, t.fault) AS uses
  FROM (
    SELECT e.row_id, e.id, e.mesh, e.geom, {octets} AS octets,
      CASE WHEN e.ifc_class = ANY(%(hidden)s) THEN 1 WHEN e.mesh IS NULL THEN 2 ELSE 0 END
        AS fault
    FROM bim_element AS e
    JOIN dataset AS d ON d.id = e.dataset_id
    WHERE d.twin_id = %(twin)s AND {chosen}
  ) AS t
) AS f
LEFT JOIN bim_mesh AS m ON m.key = f.mesh
