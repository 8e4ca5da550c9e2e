-- Mean errors (1 sigma, metres) of a dataset's current features in plan and height, as they were
-- worked out from survey methods: how many are known, the median, the greatest.
SELECT jsonb_build_object(
  'features', count(*),
  'plan', jsonb_build_object(
    'known', count(t.sigma_xy), 'greatest', max(t.sigma_xy),
    'median', percentile_cont(0.5) WITHIN GROUP (ORDER BY t.sigma_xy)
  ),
  'height', jsonb_build_object(
    'known', count(t.sigma_z), 'greatest', max(t.sigma_z),
    'median', percentile_cont(0.5) WITHIN GROUP (ORDER BY t.sigma_z)
  )
)
FROM {table} AS t
WHERE t.dataset_id = %(dataset)s
  AND t.tx_to = 'infinity' AND t.valid_from <= now() AND t.valid_to > now()
