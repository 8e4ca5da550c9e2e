"""Footprints raised to closed prisms: walls are flat, or round where many follow a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tiles.content import F32, F64
from tiles.mesh.footprint import Footprints
from tiles.mesh.ragged import I64, take
from tiles.mesh.surface import Surface, unit

#: Copies of a corner, in their order: floor, roof, foot of the wall that starts here, head of the
#: wall that ends here, foot of that, head of the one that starts. No other order packs better.
_COPIES: Final = 6
#: Walls that turn by less than this many degrees may be one round wall. A regular dodecagon turns
#: by 30, which rounding of its coordinates must not make round here and flat there.
_BEND: Final = 29.5
#: They are of a length: the longer is less than so many times the shorter.
_ALIKE: Final = 2.0


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
    Roofs are normal to the walls' mean direction at each vertex, walls to their own edge; where
    three or more stand for a curve, they are normal to that.
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
    after = following(a, b)
    before = np.empty_like(after)
    before[after] = np.arange(len(after))
    flat = up[a].astype(np.float32)
    edge = low[b] - low[a]
    wall = unit(np.cross(edge, up[a])).astype(np.float32)
    starting, ending = _at_corners(edge, wall, before, after)
    positions = np.tile(np.stack([low[a], high[a]], axis=1), (1, _COPIES // 2, 1))
    normals = np.stack([-flat, flat, starting, ending, ending, starting], axis=1)
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


def _at_corners(edge: F64, wall: F32, before: I64, after: I64) -> tuple[F32, F32]:
    """Normals (n, 3) of the walls where they start, and of those that end there.

    ``edge`` (n, 3) m is the foot of each wall, ``wall`` its own normal. Two walls stand for a curve
    where they are of a length, with a small turn between them, and one to the same side at the next
    corner or the last: a single bend is an edge that somebody built.
    """
    ending = wall[before]
    corner = np.flatnonzero(np.einsum("ij,ij->i", wall, ending) > np.cos(np.radians(_BEND)))
    if not len(corner):  # as with most buildings
        return wall, ending
    length = np.sqrt(np.einsum("ij,ij->i", edge, edge))
    own, last = length[corner], length[before[corner]]
    corner = corner[np.maximum(own, last) < _ALIKE * np.minimum(own, last)]
    here, there = wall[corner].T, ending[corner].T
    turn = np.zeros(len(wall), np.int8)
    turn[corner] = np.sign(there[0] * here[1] - there[1] * here[0])
    side = turn[corner]
    corner = corner[(side != 0) & ((side == turn[before[corner]]) | (side == turn[after[corner]]))]
    # A chord leans from its circle in proportion to its length, so this is the circle's normal.
    own, last = length[corner, None], length[before[corner], None]
    starting = wall.copy()
    starting[corner] = unit(wall[corner] * last + ending[corner] * own)
    ending[corner] = starting[corner]
    return starting, ending


def following(a: I64, b: I64) -> I64:
    """The edge that goes on at the end of each edge ``a`` → ``b``, each following just one.

    Rings are closed, so as many edges leave a vertex as arrive there; where several rings meet in
    one vertex, any pairing gives the same walls.
    """
    if np.array_equal(a, np.arange(len(a))):  # one edge starts at each vertex, as is usual
        return b
    out = np.empty(len(a), np.int64)
    out[np.argsort(b, kind="stable")] = np.argsort(a, kind="stable")
    return out
