-- The entry of a dataset or of a layer of files, made or brought up to date. Terms that nobody
-- declares now (null) stay as they were.
INSERT INTO catalogue_entry AS e
  (twin_id, name, theme, dataset_id, organisation_id, horizontal, vertical, licence, visibility)
VALUES
  (%(twin)s, %(name)s, %(theme)s,
   (SELECT id FROM dataset WHERE twin_id = %(twin)s AND name = %(name)s AND theme = %(theme)s),
   %(organisation)s, %(horizontal)s, %(vertical)s, %(licence)s,
   coalesce(%(visibility)s, 'restricted'))
ON CONFLICT ON CONSTRAINT catalogue_entry_one DO UPDATE SET
  dataset_id = excluded.dataset_id,
  organisation_id = coalesce(excluded.organisation_id, e.organisation_id),
  horizontal = coalesce(excluded.horizontal, e.horizontal),
  vertical = coalesce(excluded.vertical, e.vertical),
  licence = coalesce(excluded.licence, e.licence),
  visibility = coalesce(%(visibility)s, e.visibility),
  changed = now()
RETURNING id
