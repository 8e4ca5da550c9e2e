"""Standards and twins as files with provenance."""
