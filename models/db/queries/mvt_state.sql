-- $1 twin. Datasets with their newest revision, how many of their dates have passed, and their
-- fresh overviews: those made of that revision, since the last date from which a revision counts.
SELECT
  d.id AS dataset, d.theme, r.id AS revision, r.passed, o.id AS overview, o.layer, o.tms,
  o.features, o.first_zoom, o.raw_zoom, o.extent
FROM dataset AS d
CROSS JOIN LATERAL (
  SELECT
    (array_agg(v.id ORDER BY v.number DESC))[1] AS id,
    count(*) FILTER (WHERE v.valid_from <= now()) AS passed,
    max(v.valid_from) FILTER (WHERE v.valid_from <= now()) AS since
  FROM revision AS v WHERE v.dataset_id = d.id
) AS r
LEFT JOIN mvt_overview AS o
  ON o.dataset_id = d.id AND o.revision_id = r.id AND o.built >= r.since
WHERE d.twin_id = $1 AND r.id IS NOT NULL
ORDER BY d.id
