-- Datasets of a twin ($1) with what the catalogue says of them. A layer of files is an entry
-- without dataset; a dataset that nobody catalogued yet has none. Numbers are those of the newest
-- revision, or null.
SELECT
  coalesce(d.name, e.name) AS name, coalesce(d.theme, e.theme) AS theme, o.name AS organisation,
  coalesce(d.horizontal, e.horizontal) AS horizontal, coalesce(d.vertical, e.vertical) AS vertical,
  d.epoch, d.method, d.accuracy, e.accuracy_note, e.licence,
  coalesce(e.visibility, 'restricted') AS visibility,
  least(d.created, e.created) AS created,
  greatest(r.recorded, e.changed) AS updated,
  CASE WHEN e.revision_id IS NOT DISTINCT FROM r.newest THEN e.features END AS features,
  CASE WHEN e.revision_id IS NOT DISTINCT FROM r.newest THEN e.tables END AS tables,
  CASE WHEN e.revision_id IS NOT DISTINCT FROM r.newest THEN e.box END AS box,
  CASE WHEN e.revision_id IS NOT DISTINCT FROM r.newest THEN e.sigma END AS sigma,
  r.number AS revision, coalesce(r.valid_from, e.created) AS valid_from
FROM (SELECT * FROM dataset WHERE twin_id = $1) AS d
FULL JOIN (SELECT * FROM catalogue_entry WHERE twin_id = $1) AS e ON e.dataset_id = d.id
LEFT JOIN organisation AS o ON o.id = coalesce(d.organisation_id, e.organisation_id)
LEFT JOIN LATERAL (
  SELECT max(id) AS newest, max(number) AS number, min(valid_from) AS valid_from,
    max(recorded) AS recorded
  FROM revision WHERE dataset_id = d.id
) AS r ON true
WHERE d.id IS NULL OR r.number IS NOT NULL
ORDER BY name, theme
