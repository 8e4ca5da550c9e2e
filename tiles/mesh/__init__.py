"""Triangles from canonical geometry: arrays in, arrays out, no database, no files, no settings."""
