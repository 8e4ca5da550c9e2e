-- Parts that are or were of the buildings, or of a building that one of the parts is or was of;
-- with the name of the dataset and the key of the building.
WITH place AS (
  SELECT b.dataset_id, b.key FROM building AS b WHERE b.id = ANY(%(buildings)s)
  UNION
  SELECT p.dataset_id, p.building_key FROM building_part AS p
  WHERE p.id = ANY(%(parts)s) AND p.building_key IS NOT NULL
)
SELECT DISTINCT d.name, place.key, p.id
FROM place
JOIN building_part AS p ON p.dataset_id = place.dataset_id AND p.building_key = place.key
JOIN dataset AS d ON d.id = place.dataset_id
