"""Canonical model to OGC 3D Tiles 1.1."""
