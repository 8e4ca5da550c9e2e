SELECT
  code, severity, file, sheet, row, source_column, element, zh, en, found, expected, rule, clause,
  verified, ST_X(position), ST_Y(position), ST_Z(position), extra
FROM finding
WHERE batch = coalesce(
    %(batch)s::uuid,
    (
      SELECT batch FROM finding
      WHERE twin_id = %(twin)s AND dataset = %(dataset)s
      ORDER BY recorded DESC, id DESC LIMIT 1
    )
  )
  AND twin_id = %(twin)s
  AND dataset = %(dataset)s
  AND (%(severity)s::text IS NULL OR severity = %(severity)s)
ORDER BY id
LIMIT %(limit)s
