"""Footprints raised to closed prisms with flat normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiles.content import F64
from tiles.mesh.footprint import Footprints
from tiles.mesh.ragged import I64, take
from tiles.mesh.surface import Surface, unit

#: Copies of a corner, in their order: floor, roof, foot of the wall that starts here, head of the
#: wall that ends here, foot of that, head of the one that starts. No other order packs better.
_COPIES = 6


@dataclass(frozen=True, slots=True)
class Prisms:
    """Roofs, walls and floors of extruded footprints; together they are closed solids.

    All three share their vertices: six copies of each corner, one behind the other. A codec that
    stores differences then meets a new place once in six vertices, which halves the file.

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
    shift = vertex_start[:-1] - footprints.vertex_start[rows]  # old vertex number to new
    a, b = (footprints.edges[edges] + np.repeat(shift, np.diff(edge_start))[:, None]).T
    faces = footprints.triangles[triangles] + np.repeat(shift, np.diff(triangle_start))[:, None]

    low, high = base[vertices], top[vertices]
    up = unit(high - low)
    after = _following(a, b)
    before = np.empty_like(after)
    before[after] = np.arange(len(after))
    flat = up[a].astype(np.float32)
    wall = unit(np.cross(low[b] - low[a], up[a])).astype(np.float32)
    previous = wall[before]
    positions = np.tile(np.stack([low[a], high[a]], axis=1), (1, _COPIES // 2, 1))
    normals = np.stack([-flat, flat, wall, previous, previous, wall], axis=1)
    shared = (
        positions.reshape(-1, 3),
        normals.reshape(-1, 3),
        np.repeat(np.repeat(place, np.diff(edge_start)), _COPIES),
    )

    first = _COPIES * np.arange(len(a))
    end = first[after]
    quads = np.stack([first + 2, end + 4, end + 3, first + 2, end + 3, first + 5], axis=1)
    corner = np.zeros(len(vertices), np.int64)
    corner[a] = first
    faces = corner[faces]

    def surface(indices: I64) -> Surface:
        positions, normals, features = shared
        return Surface(positions, normals, indices.astype(np.uint32).reshape(-1, 3), features)

    return Prisms(surface(faces + 1), surface(quads), surface(faces[:, ::-1]))


def _following(a: I64, b: I64) -> I64:
    """The edge that goes on at the end of each edge ``a`` → ``b``, each following just one.

    Rings are closed, so as many edges leave a vertex as arrive there; where several rings meet in
    one vertex, any pairing gives the same walls.
    """
    if np.array_equal(a, np.arange(len(a))):  # one edge starts at each vertex, as is usual
        return b
    out = np.empty(len(a), np.int64)
    out[np.argsort(b, kind="stable")] = np.argsort(a, kind="stable")
    return out
