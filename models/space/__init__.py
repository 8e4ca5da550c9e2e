"""Geometry in space: rounded triangles, their distances, rays, and volumes that are asked for."""
