-- Who delivers the dataset; made where the name is new.
WITH made AS (
  INSERT INTO organisation (name) VALUES (%(name)s)
  ON CONFLICT (name) DO UPDATE SET name = excluded.name
  RETURNING id
)
UPDATE dataset SET organisation_id = made.id FROM made WHERE dataset.id = %(id)s
