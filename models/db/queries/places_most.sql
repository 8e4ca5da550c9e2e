-- $1 twin, $2 sets of grams, each joined by the unit separator, $3 how many of each set.
SELECT DISTINCT f.id
FROM unnest($2::text[]) AS w (grams)
CROSS JOIN LATERAL (
  SELECT p.id FROM place AS p
  WHERE p.grams @> string_to_array(w.grams, chr(31)) AND p.twin_id = $1
  LIMIT $3
) AS f
