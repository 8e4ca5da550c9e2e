"""Polygons made fit for triangulation: refused, repaired, and laid out as rings."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from tiles.content import F64
from tiles.mesh.ragged import I64, starts_of

Geometries = npt.NDArray[np.object_]

#: Vertices closer than this (m) are one vertex; invalid rings are repaired on this grid.
RESOLUTION = 0.001
#: A polygon with less area (m²) is nothing that can be seen.
MIN_AREA = 1e-4


class Reason(enum.IntEnum):
    """Why a footprint has no triangles."""

    OK = 0
    EMPTY = 1
    NOT_POLYGON = 2
    NOT_FINITE = 3
    NO_AREA = 4
    NOT_TRIANGULATED = 5


@dataclass(slots=True)
class Rings:
    """Polygons (p) without their closing points, local to the first vertex of each."""

    xy: F64
    origin: F64  # (p, 2)
    ring: I64  # (v,) ring of a vertex
    ring_start: I64
    poly_ring_start: I64
    poly_start: I64  # first vertex of a polygon


def clean(
    geometries: Geometries,
) -> tuple[Geometries, npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    """Valid polygons (f,), None where refused; the reasons; and which were repaired.

    Repair is only for what is invalid or has repeated points: the rest keeps its coordinates.
    """
    geoms = np.asarray(geometries, dtype=object).copy()
    reason = np.full(len(geoms), Reason.OK, np.int8)
    kind = shapely.get_type_id(geoms)
    reason[~np.isin(kind, (3, 6))] = Reason.NOT_POLYGON
    reason[shapely.is_missing(geoms) | shapely.is_empty(geoms)] = Reason.EMPTY
    xy, index = shapely.get_coordinates(geoms, return_index=True)
    odd = index[~np.isfinite(xy).all(axis=1)]
    reason[odd[reason[odd] == Reason.OK]] = Reason.NOT_FINITE
    geoms[reason != Reason.OK] = None

    repaired = ~shapely.is_valid(geoms) & ~shapely.is_missing(geoms)
    near = (np.abs(np.diff(xy, axis=0)).max(axis=1, initial=0) < RESOLUTION) & (
        index[1:] == index[:-1]
    )
    perhaps = np.unique(index[1:][near])  # it may also be the end of one ring and the next's start
    repaired[perhaps[_short_edges(geoms[perhaps])]] = True
    if repaired.any():
        geoms[repaired] = _repair(geoms[repaired])
    tiny = (reason == Reason.OK) & ~(shapely.area(geoms) >= MIN_AREA)
    reason[tiny] = Reason.NO_AREA
    geoms[tiny] = None
    repaired &= reason == Reason.OK
    return geoms, reason, repaired


def _short_edges(geoms: Geometries) -> I64:
    """Features with two neighbouring vertices closer than the resolution."""
    polys, owner = shapely.get_parts(geoms, return_index=True)
    lines, poly = shapely.get_rings(polys, return_index=True)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.abs(np.diff(xy, axis=0)).max(axis=1, initial=0)
    short = np.flatnonzero((step < RESOLUTION) & (line[1:] == line[:-1]))
    found: I64 = np.unique(owner[poly[line[short]]])
    return found


def _repair(geoms: Geometries) -> Geometries:
    """Valid polygons on a millimetre grid; lines and points that repair leaves over are dropped."""
    mended = shapely.make_valid(geoms, method="structure", keep_collapsed=False)
    # GEOS now and then turns a ring that touches itself inside out; the other method does not.
    odd = ~shapely.is_valid(mended) | (shapely.area(mended) < 0)
    mended[odd] = shapely.make_valid(geoms[odd])
    mended = _snapped(mended)
    parts, owner = shapely.get_parts(mended, return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)
    owner = owner[inner]
    solid = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= MIN_AREA)
    out = np.full(len(geoms), None, dtype=object)
    if solid.any():
        shapely.multipolygons(parts[solid], indices=owner[solid], out=out)
    return out


def _snapped(geoms: Geometries) -> Geometries:
    """``geoms`` on the grid of the resolution; slivers that GEOS cannot snap are mended again."""
    try:
        return np.asarray(shapely.set_precision(geoms, RESOLUTION), dtype=object)
    except shapely.errors.GEOSException:
        if len(geoms) > 1:
            return np.concatenate([_snapped(geoms[at : at + 1]) for at in range(len(geoms))])
    rounded = shapely.set_precision(geoms, RESOLUTION, mode="pointwise")
    return np.asarray(shapely.make_valid(rounded), dtype=object)


def rings_of(polys: Geometries) -> Rings:
    """``polys`` (p,), valid and oriented, as flat arrays."""
    if len(polys) == 0:
        zero = np.zeros(1, np.int64)
        return Rings(np.empty((0, 2)), np.empty((0, 2)), np.empty(0, np.int64), zero, zero, zero)
    _, xy, (ring_start, poly_ring_start) = shapely.to_ragged_array(polys, include_z=False)
    ring_start = ring_start.astype(np.int64)
    keep = np.ones(len(xy), bool)
    keep[ring_start[1:] - 1] = False  # closing points
    counts = np.diff(ring_start) - 1
    start = starts_of(counts)
    poly_start = start[poly_ring_start]
    xy = xy[keep]
    origin = xy[poly_start[:-1]]
    return Rings(
        xy - np.repeat(origin, np.diff(poly_start), axis=0),
        origin,
        np.repeat(np.arange(len(counts)), counts),
        start,
        poly_ring_start.astype(np.int64),
        poly_start,
    )
