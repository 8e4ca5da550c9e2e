-- Buildings that have a name or an address, at their middle.
SELECT
  CASE WHEN t.name IS NULL THEN 'address' ELSE 'building' END, coalesce(t.name, t.address),
  t.address, 'buildings', t.id::text, ST_X(p.middle), ST_Y(p.middle)
FROM building AS t
CROSS JOIN LATERAL (SELECT ST_Centroid(t.geom) AS middle) AS p
WHERE t.dataset_id = %(dataset)s
  AND t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()
  AND coalesce(t.name, t.address) IS NOT NULL AND t.geom IS NOT NULL
