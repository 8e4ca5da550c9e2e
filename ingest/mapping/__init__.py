"""Source words to canonical words, as tables."""

from ingest.mapping.files import MappingFile, load_mapping, save_mapping

__all__ = ["MappingFile", "load_mapping", "save_mapping"]
