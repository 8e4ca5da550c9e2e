-- Features with a row that one of the revisions wrote or ended, or whose date has come ({passed}).
SELECT t.id FROM {table} AS t WHERE t.revision_id = ANY(%(revisions)s)
UNION
SELECT t.id FROM {table} AS t
WHERE t.dataset_id = ANY(%(datasets)s) AND t.tx_to = ANY(%(recorded)s)
UNION
SELECT t.id FROM {table} AS t WHERE {passed}
