"""Polygons to triangles, in bulk.

A footprint that cannot be drawn is refused with a :class:`tiles.mesh.rings.Reason`. Every other one
comes out as a conforming triangulation: its triangles use all of its vertices, and the border of
the triangles is exactly its rings, so that walls raised on the rings close with the roof.
"""

from __future__ import annotations

from dataclasses import dataclass

import mapbox_earcut
import numpy as np
import numpy.typing as npt
import shapely

from tiles.content import F64
from tiles.mesh.ragged import I64, starts_of
from tiles.mesh.rings import RESOLUTION, Geometries, Reason, Rings, clean, rings_of


@dataclass(frozen=True, slots=True)
class Footprints:
    """f polygons as v vertices, ring edges and triangles, each grouped by feature.

    ``xy`` (v, 2) in the CRS of the input; ``edges`` (e, 2) vertex pairs with the inside on their
    left; ``triangles`` (t, 3) counter-clockwise; ``*_start`` (f + 1,) where a feature's members
    begin; ``area`` (f,) in square CRS units; ``reason`` (f,) as :class:`tiles.mesh.rings.Reason`;
    ``repaired`` (f,) true where the rings had to be mended (self-intersection, overlapping parts,
    repeated points).
    """

    xy: F64
    edges: I64
    triangles: I64
    vertex_start: I64
    edge_start: I64
    triangle_start: I64
    area: F64
    reason: npt.NDArray[np.int8]
    repaired: npt.NDArray[np.bool_]


def triangulate(geometries: Geometries) -> Footprints:
    """Clean and triangulate (f,) polygons or multipolygons, in any metric CRS; z is ignored.

    Costs one earcut call a polygon (about 1 µs for a small one); the rest is whole-array. Where
    earcut skips a vertex or misses area, the polygon goes through GEOS' constrained Delaunay
    triangulation instead.
    """
    geoms, reason, repaired = clean(geometries)
    count = len(geoms)
    polys, owner = shapely.get_parts(geoms, return_index=True)
    rings = rings_of(shapely.orient_polygons(polys))
    triangles, poly_of = _earcut(rings)
    sound = _conforming(rings, triangles, poly_of, shapely.area(polys))
    keep = sound[poly_of]
    triangles, poly_of = triangles[keep], poly_of[keep]
    used = np.zeros(len(rings.xy), bool)
    used[triangles.ravel()] = True

    poly_of_vertex = np.repeat(np.arange(len(polys)), np.diff(rings.poly_start))
    xy = (rings.xy + rings.origin[poly_of_vertex])[used]
    triangles = (np.cumsum(used) - 1)[triangles]
    edges = _ring_edges(rings.ring[used])
    vertex_feature = owner[poly_of_vertex[used]]
    edge_feature, triangle_feature = vertex_feature, owner[poly_of]

    slow = np.flatnonzero(~sound)
    if len(slow):
        xy, edges, triangles, vertex_feature, edge_feature, triangle_feature = _add_slow(
            (xy, edges, triangles, vertex_feature, edge_feature, triangle_feature),
            polys[slow],
            owner[slow],
            reason,
        )
    return _group(
        count,
        xy,
        edges,
        triangles,
        vertex_feature,
        edge_feature,
        triangle_feature,
        reason,
        repaired,
    )


def _earcut(rings: Rings) -> tuple[I64, I64]:
    """Triangles (t, 3) as vertex indices, and their polygon."""
    if len(rings.origin) == 0:
        return np.empty((0, 3), np.int64), np.empty(0, np.int64)
    first = np.repeat(rings.poly_start[:-1], np.diff(rings.poly_ring_start))
    ends = (rings.ring_start[1:] - first).astype(np.uint32)
    xy, cut = rings.xy, mapbox_earcut.triangulate_float64
    vertex, ring = rings.poly_start.tolist(), rings.poly_ring_start.tolist()
    found = [
        cut(xy[vertex[i] : vertex[i + 1]], ends[ring[i] : ring[i + 1]])
        for i in range(len(vertex) - 1)
    ]
    counts = np.fromiter(map(len, found), np.int64, len(found)) // 3
    poly_of = np.repeat(np.arange(len(found)), counts)
    triangles = np.concatenate(found).reshape(-1, 3).astype(np.int64)
    triangles += rings.poly_start[poly_of][:, None]
    clockwise = _area2(rings.xy, triangles) < 0
    triangles[clockwise] = triangles[clockwise][:, ::-1]
    return triangles, poly_of


def _area2(xy: F64, triangles: I64) -> F64:
    a, b, c = xy[triangles[:, 0]], xy[triangles[:, 1]], xy[triangles[:, 2]]
    twice: F64 = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (
        c[:, 0] - a[:, 0]
    )
    return twice


def _conforming(rings: Rings, triangles: I64, poly_of: I64, area: F64) -> npt.NDArray[np.bool_]:
    """Which polygons are exactly covered without T-junctions.

    The angles of h holes and n used vertices sum to (n + 2h - 2)·180°: fewer triangles mean that
    one passes a vertex by, or that a hole touches its shell.
    """
    count = len(area)
    used = np.zeros(len(rings.xy), bool)
    used[triangles.ravel()] = True
    running = starts_of(used)
    vertices = running[rings.poly_start[1:]] - running[rings.poly_start[:-1]]
    holes = np.diff(rings.poly_ring_start) - 1
    expected = vertices + 2 * holes - 2
    covered = np.bincount(poly_of, np.abs(_area2(rings.xy, triangles)) / 2, minlength=count)
    number = np.bincount(poly_of, minlength=count)
    rings_ok = np.ones(count, bool)
    if len(rings.ring):
        left = running[rings.ring_start[1:]] - running[rings.ring_start[:-1]]
        rings_ok = np.minimum.reduceat(left, rings.poly_ring_start[:-1]) >= 3
    enough = np.abs(covered - area) <= 1e-6 + 1e-8 * area
    sound: npt.NDArray[np.bool_] = enough & (number == expected) & rings_ok
    return sound


def _ring_edges(ring: I64) -> I64:
    """Edges between neighbouring vertices of equal ``ring``, closed."""
    if len(ring) == 0:
        return np.empty((0, 2), np.int64)
    here = np.arange(len(ring))
    last = np.append(ring[1:] != ring[:-1], True)
    first = here[np.insert(last[:-1], 0, True)]
    following = here + 1
    following[last] = first
    return np.column_stack([here, following])


_Parts = tuple[F64, I64, I64, I64, I64, I64]


def _add_slow(parts: _Parts, polys: Geometries, owner: I64, reason: npt.NDArray[np.int8]) -> _Parts:
    """Append polygons by constrained Delaunay triangulation; what even that fails is refused."""
    lists: list[list[npt.NDArray[np.generic]]] = [[p] for p in parts]
    at = len(parts[0])
    for poly, feature in zip(polys, owner, strict=True):
        done = _delaunay(poly)
        if done is None:
            reason[feature] = Reason.NOT_TRIANGULATED
            continue
        xy, edges, triangles = done
        new = (
            xy,
            edges + at,
            triangles + at,
            np.full(len(xy), feature),
            np.full(len(edges), feature),
            np.full(len(triangles), feature),
        )
        for column, values in zip(lists, new, strict=True):
            column.append(values)
        at += len(xy)
    xy, *rest = (np.concatenate(column) for column in lists)
    return (xy, *rest)


def _delaunay(poly: shapely.Polygon) -> tuple[F64, I64, I64] | None:
    """Vertices, ring edges and triangles of one polygon with equal vertices welded; None if open.

    Where a hole's vertex touches the middle of another edge, that edge is split there first.
    """
    corners = shapely.multipoints(shapely.get_coordinates(poly))
    split = shapely.snap(poly, corners, RESOLUTION / 10)
    if not shapely.is_valid(split):
        return None
    rings = shapely.get_rings(shapely.orient_polygons(split))
    ring_xy, ring = shapely.get_coordinates(rings, return_index=True)
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(split))
    tips = shapely.get_coordinates(pieces).reshape(-1, 4, 2)[:, :3].reshape(-1, 2)
    xy, welded = np.unique(np.vstack([ring_xy, tips]), axis=0, return_inverse=True)
    welded = welded.ravel()
    triangles = welded[len(ring_xy) :].reshape(-1, 3)
    local = xy - xy[0]
    clockwise = _area2(local, triangles) < 0
    triangles[clockwise] = triangles[clockwise][:, ::-1]
    same = ring[1:] == ring[:-1]
    edges = np.column_stack([welded[: len(ring_xy) - 1][same], welded[1 : len(ring_xy)][same]])
    border = np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    key = border @ (len(xy), 1)
    outside = np.sort(key[~np.isin(key, border[:, ::-1] @ (len(xy), 1))])
    if not np.array_equal(outside, np.sort(edges @ (len(xy), 1))):
        return None
    return xy, edges, triangles


def _group(
    count: int,
    xy: F64,
    edges: I64,
    triangles: I64,
    vertex_feature: I64,
    edge_feature: I64,
    triangle_feature: I64,
    reason: npt.NDArray[np.int8],
    repaired: npt.NDArray[np.bool_],
) -> Footprints:
    """Sort everything by feature, without the features that were refused on the way."""
    sound = reason == Reason.OK
    kept = np.flatnonzero(sound[vertex_feature])
    order = kept[np.argsort(vertex_feature[kept], kind="stable")]
    place = np.zeros(len(xy), np.int64)
    place[order] = np.arange(len(order))

    def grouped(items: I64, feature: I64) -> tuple[I64, I64]:
        kept = np.flatnonzero(sound[feature])
        order = kept[np.argsort(feature[kept], kind="stable")]
        return place[items[order]], starts_of(np.bincount(feature[order], minlength=count))

    edges, edge_start = grouped(edges, edge_feature)
    triangles, triangle_start = grouped(triangles, triangle_feature)
    xy = xy[order]
    feature = np.repeat(np.arange(count), np.diff(triangle_start))
    base = np.zeros((count, 2))
    vertex_start = starts_of(np.bincount(vertex_feature[order], minlength=count))
    filled = np.diff(vertex_start) > 0
    base[filled] = xy[vertex_start[:-1][filled]]
    local = xy - np.repeat(base, np.diff(vertex_start), axis=0)
    area = np.bincount(feature, _area2(local, triangles) / 2, minlength=count).astype(np.float64)
    return Footprints(
        xy, edges, triangles, vertex_start, edge_start, triangle_start, area, reason, repaired
    )
