"""Terrain: a DEM as quantized-mesh 1.0 tiles with ellipsoidal heights."""

from __future__ import annotations

from tiles.terrain.build import TerrainReport, build_terrain
from tiles.terrain.store import TerrainStore

__all__ = ["TerrainReport", "TerrainStore", "build_terrain"]
