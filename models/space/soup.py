"""Things of a city as rounded triangles, each knowing whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from models.clearance.bodies import Bodies
from models.clearance.solids import Solids, solids
from models.space.triangles import Array, Ints

Mask = npt.NDArray[np.bool_]

#: Corners of a box as signs, and its faces as triangles of corners, seen from outside.
_SIGNS: Final = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], float)
_FACES: Final = np.array(
    [
        (0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4),
        (2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Soup:
    """n rounded triangles: ``triangles`` (n, 3, 3), ``radius`` (n,), ``owner`` (n,) whose each is.

    Metres of the storage CRS and 1985 heights. ``closed`` tells that every owner's triangles
    enclose it, so that a place may lie within.
    """

    triangles: Array
    radius: Array
    owner: Ints
    closed: bool = True

    def __len__(self) -> int:
        return len(self.owner)

    def take(self, rows: Ints | Mask) -> Soup:
        """Some of the triangles."""
        return Soup(self.triangles[rows], self.radius[rows], self.owner[rows], self.closed)

    def bounds(self) -> tuple[Array, Array]:
        """Least and greatest corners (n, 3), radius included."""
        low, high = self.triangles.min(axis=1), self.triangles.max(axis=1)
        return low - self.radius[:, None], high + self.radius[:, None]


def joined(soups: Sequence[Soup]) -> Soup:
    """Several soups as one; owners as they are."""
    if not soups:
        return Soup(np.empty((0, 3, 3)), np.empty(0), np.empty(0, np.int64))
    return Soup(
        np.concatenate([s.triangles for s in soups]),
        np.concatenate([s.radius for s in soups]),
        np.concatenate([s.owner for s in soups]),
        all(s.closed for s in soups),
    )


def of_points(xyz: Array) -> Soup:
    """Points (n, 3); those with an unknown height are left out."""
    rows = np.flatnonzero(np.isfinite(xyz).all(axis=1))
    return Soup(np.repeat(xyz[rows, None], 3, axis=1), np.zeros(len(rows)), rows, False)


def of_lines(vertices: Array, radius: float) -> Soup:
    """The capsules about a line's (n, 3) legs, all of one owner."""
    start, end = vertices[:-1], vertices[1:]
    count = len(start)
    triangles = np.stack([start, end, end], axis=1)
    return Soup(triangles, np.full(count, radius), np.zeros(count, np.int64), False)


def of_pipes(bodies: Bodies) -> Soup:
    """Pipes by outer surface (:mod:`models.clearance.bodies`); of unknown size by centre line."""
    rows = np.flatnonzero(np.isfinite(bodies.start + bodies.end).all(axis=1)).astype(np.int64)
    known = np.isfinite(bodies.half_width[rows] + bodies.half_height[rows])
    pieces = solids(bodies, rows)
    half = np.where(known[:, None], pieces.half, 0.0)
    half[:, 0] = np.linalg.norm(bodies.end[rows] - bodies.start[rows], axis=1) / 2
    radius = np.where(known, pieces.radius, 0.0)
    return of_solids(Solids(pieces.centre, pieces.axes, half, radius), bodies.owner[rows])


def of_solids(parts: Solids, owner: Ints) -> Soup:
    """Rounded boxes: as capsules, rounded plates or boxes of twelve triangles."""
    along = parts.axes[:, 0] * parts.half[:, :1]
    flat = parts.half[:, 1:] == 0
    slim = flat.all(axis=1)
    plate = flat.any(axis=1) & ~slim
    corners = np.einsum("ki,ni,nij->nkj", _SIGNS, parts.half, parts.axes)
    corners += parts.centre[:, None]
    out = []
    if slim.any():
        start, end = (parts.centre - along)[slim], (parts.centre + along)[slim]
        out.append(_soup(np.stack([start, end, end], axis=1)[:, None], parts, owner, slim))
    if plate.any():
        # lying plates are their lower face, standing ones that on their left
        wide = np.where(flat[:, 1, None, None], _FACES[:2], _FACES[4:6])[plate]
        faces = np.take_along_axis(
            corners[plate], wide.reshape(len(wide), 6)[:, :, None], axis=1
        ).reshape(len(wide), 2, 3, 3)
        out.append(_soup(faces, parts, owner, plate))
    full = ~slim & ~plate
    if full.any():
        out.append(_soup(corners[full][:, _FACES], parts, owner, full))
    return joined(out)


def _soup(triangles: Array, parts: Solids, owner: Ints, rows: Mask) -> Soup:
    each = triangles.shape[1]
    return Soup(
        triangles.reshape(-1, 3, 3),
        np.repeat(parts.radius[rows], each),
        np.repeat(owner[rows], each),
    )


def of_prisms(plan: npt.NDArray[np.object_], low: Array, high: Array) -> Soup:
    """Upright prisms: walls, floor and roof of polygons or multipolygons (n,) between heights.

    Those of unknown height or without area are left out.
    """
    good = np.isfinite(low) & np.isfinite(high) & (shapely.area(plan) > 0)
    rows = np.flatnonzero(good)
    flat, part_of = shapely.get_parts(shapely.force_2d(plan[rows]), return_index=True)
    rings, ring_of = shapely.get_rings(flat, return_index=True)
    xy, of = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(of[1:] == of[:-1])
    wall = rows[part_of[ring_of[of[first]]]]
    a, b = xy[first], xy[first + 1]
    lower, upper = low[wall][:, None], high[wall][:, None]
    al, bl = np.hstack([a, lower]), np.hstack([b, lower])
    au, bu = np.hstack([a, upper]), np.hstack([b, upper])
    walls = np.concatenate([np.stack([al, bl, bu], axis=1), np.stack([al, bu, au], axis=1)])
    caps, cap_of = shapely.get_parts(
        shapely.constrained_delaunay_triangles(flat), return_index=True
    )
    corners = shapely.get_coordinates(caps).reshape(-1, 4, 2)[:, :3]
    cap = rows[part_of[cap_of]]
    slabs = [
        np.concatenate([corners, np.broadcast_to(h[cap, None, None], (*corners.shape[:2], 1))], 2)
        for h in (low, high)
    ]
    triangles = np.concatenate([walls, *slabs])
    owner = np.concatenate([wall, wall, cap, cap]).astype(np.int64)
    return Soup(triangles, np.zeros(len(owner)), owner)
