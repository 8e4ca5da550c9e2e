"""Footprints raised to closed prisms with flat normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiles.content import F64
from tiles.mesh.footprint import Footprints
from tiles.mesh.ragged import I64, take
from tiles.mesh.surface import Surface, unit


@dataclass(frozen=True, slots=True)
class Prisms:
    """Roofs, walls and floors of extruded footprints; together they are closed solids.

    Floors cost one vertex a ring vertex and about a fifth of the triangles. They stay, because the
    city is also looked at from below, parts may hang over ground, and a cut solid needs them.
    """

    roofs: Surface
    walls: Surface
    floors: Surface


def prisms(footprints: Footprints, base: F64, top: F64, rows: I64) -> Prisms:
    """Extrude the features ``rows`` (k,) of ``footprints``.

    ``base`` and ``top`` (v, 3) are the footprint vertices at the foot and at the top of the walls,
    in a metric, right-handed frame with z up. Surface features are 0..k-1, the place in ``rows``.
    Roofs are normal to the walls' mean direction at each vertex, walls to their own edge.
    """
    vertices, vertex_start = take(footprints.vertex_start, rows)
    edges, edge_start = take(footprints.edge_start, rows)
    triangles, triangle_start = take(footprints.triangle_start, rows)
    place = np.arange(len(rows), dtype=np.uint32)
    vertex_feature = np.repeat(place, np.diff(vertex_start))
    shift = vertex_start[:-1] - footprints.vertex_start[rows]  # old vertex number to new

    low, high = base[vertices], top[vertices]
    up = unit(high - low)
    moved = footprints.triangles[triangles] + np.repeat(shift, np.diff(triangle_start))[:, None]
    faces = moved.astype(np.uint32)
    flat = up.astype(np.float32)
    roofs = Surface(high, flat, faces, vertex_feature)
    floors = Surface(low, -flat, np.ascontiguousarray(faces[:, ::-1]), vertex_feature)

    a, b = (footprints.edges[edges] + np.repeat(shift, np.diff(edge_start))[:, None]).T
    corners = np.stack([low[a], low[b], high[b], high[a]], axis=1)
    outward = unit(np.cross(low[b] - low[a], up[a])).astype(np.float32)
    first = 4 * np.arange(len(edges), dtype=np.uint32)[:, None]
    quads = first + np.array([0, 1, 2, 0, 2, 3], np.uint32)
    walls = Surface(
        corners.reshape(-1, 3),
        np.repeat(outward, 4, axis=0),
        quads.reshape(-1, 3),
        np.repeat(np.repeat(place, np.diff(edge_start)), 4),
    )
    return Prisms(roofs, walls, floors)
