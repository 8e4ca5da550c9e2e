"""Textured meshes → 3D Tiles: split by whole triangles, images cut and packed a tile each, simpler
surfaces with smaller images from afar."""

from tiles.textured.build import MeshReport, build_meshes

__all__ = ["MeshReport", "build_meshes"]
