-- What each staged row says, as a hash. A column that is null is left out, so that a column added
-- by a later version does not make every stored row look changed. The list has one
-- 'name=' || quote_literal(value::text) for every column; provenance is not among them.
CREATE TEMP TABLE {fresh} ON COMMIT DROP AS
SELECT s.id, sha256(convert_to(concat_ws(',', {content}), 'UTF8')) AS content_sha
FROM {stage} AS s
