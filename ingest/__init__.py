"""Files to canonical model: readers, mapping tables, rules, pipeline."""
