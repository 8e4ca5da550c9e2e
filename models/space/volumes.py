"""Volumes that are asked for: boxes, balls, upright prisms, frustums and surroundings of lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely

from models.clearance.solids import Solids
from models.space.soup import Mask, Soup, of_lines, of_points, of_prisms, of_solids
from models.space.triangles import Array, Ints, cross, gaps

#: Directions in which enclosed places are told, askew so that no ray runs along a wall.
_ASKEW: Final = np.array([0.0123457, 0.0214748, 1.0])
#: Triangles of a frustum whose corners are the four of the near face, then those of the far one.
_FRUSTUM: Final = np.array(
    [
        (0, 1, 2), (0, 2, 3), (4, 6, 5), (4, 7, 6), (0, 4, 5), (0, 5, 1),
        (1, 5, 6), (1, 6, 2), (2, 6, 7), (2, 7, 3), (3, 7, 4), (3, 4, 0),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Volume:
    """``surface`` bounds it, or is its core where ``radius`` is not nought: then it holds all that
    lies within the radius of the core. ``holds`` tells which places (n, 3) lie in a bounded one;
    ``fills`` that it is all of its own box."""

    surface: Soup
    radius: float = 0.0
    holds: Callable[[Array], Mask] | None = field(default=None, repr=False)
    fills: bool = False

    @property
    def box(self) -> tuple[Array, Array]:
        """Least and greatest corner (3,)."""
        low, high = self.surface.bounds()
        return low.min(axis=0) - self.radius, high.max(axis=0) + self.radius


@dataclass(frozen=True, slots=True)
class Meeting:
    """What of n owners meets a volume. ``meets`` (n,); ``within`` (n,) wholly inside; ``distance``
    (n,) from the core of a rounded volume to the surface, NaN for bounded ones or beyond."""

    meets: Mask
    within: Mask
    distance: Array


def box(low: Array, high: Array) -> Volume:
    """A box along the axes of the storage CRS and the heights."""
    half = (high - low) / 2
    solid = Solids(((low + high) / 2)[None], np.eye(3)[None], half[None], np.zeros(1))

    def holds(places: Array) -> Mask:
        return np.asarray(((places >= low) & (places <= high)).all(axis=1), bool)

    return Volume(of_solids(solid, np.zeros(1, np.int64)), holds=holds, fills=True)


def ball(centre: Array, radius: float) -> Volume:
    """All within ``radius`` of a place."""
    return Volume(of_points(centre[None]), radius)


def prism(plan: shapely.Polygon, low: float, high: float) -> Volume:
    """A polygon of the storage CRS between two heights."""
    shapely.prepare(plan)

    def holds(places: Array) -> Mask:
        inside: Mask = shapely.intersects_xy(plan, places[:, 0], places[:, 1])
        return inside & (places[:, 2] >= low) & (places[:, 2] <= high)

    surface = of_prisms(np.array([plan], object), np.array([low]), np.array([high]))
    return Volume(surface, holds=holds)


def frustum(corners: Array) -> Volume:
    """A frustum by its corners (8, 3): four of the near face in order, then those of the far one
    behind them."""
    triangles = corners[_FRUSTUM]
    middle = corners.mean(axis=0)
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    outwards = np.sign(((triangles[:, 0] - middle) * normal).sum(axis=1))
    normal *= outwards[:, None]

    def holds(places: Array) -> Mask:
        side = np.einsum("ti,nti->nt", normal, places[:, None] - triangles[None, :, 0])
        return np.asarray((side <= 1e-9).all(axis=1), bool)

    count = len(triangles)
    return Volume(Soup(triangles, np.zeros(count), np.zeros(count, np.int64)), holds=holds)


def around(vertices: Array, distance: float) -> Volume:
    """All within ``distance`` of a line (n, 3)."""
    return Volume(of_lines(vertices, 0.0), distance)


def meeting(volume: Volume, things: Soup, count: int) -> Meeting:
    """Which of ``count`` owners of ``things`` meet the volume, by true surfaces.

    Owners without a triangle (of unknown height) meet nothing. Whether the volume lies within a
    closed thing is told by the parity of the faces above it.
    """
    low, high = things.bounds()
    least, most = volume.box
    near = np.asarray(((low <= most) & (high >= least)).all(axis=1), bool)
    inside = np.zeros(len(things), bool)
    inside[near] = _inside(volume, things.take(near))
    clear = np.zeros(len(things), bool)
    if volume.fills:
        clear = np.asarray(((low >= least) & (high <= most)).all(axis=1), bool)
    rows = np.flatnonzero(near & ~clear)
    which, apart = _apart(volume, things.take(rows))
    triangle = rows[which]
    owner = things.owner[triangle]
    meets = np.zeros(count, bool)
    distance = np.full(count, np.nan)
    if volume.radius:
        np.fmin.at(distance, owner, np.maximum(apart, 0.0))
        meets = np.nan_to_num(distance, nan=np.inf) <= volume.radius
    else:
        inside[triangle[apart < 0]] = False
        meets[things.owner[inside]] = True
        meets[owner[apart <= 0]] = True
    if things.closed:
        swallowed = _swallowed(volume, things, count)
        meets |= swallowed
        distance[swallowed & (volume.radius > 0)] = 0.0
        inside[swallowed[things.owner]] = False
    partly = np.bincount(things.owner[~inside], minlength=count) > 0
    return Meeting(meets, meets & ~partly, np.where(meets, distance, np.nan))


def _inside(volume: Volume, things: Soup) -> Mask:
    """Triangles whose corners lie in a bounded volume, or all of which lies within a rounded one's
    radius of one leg of its core."""
    corners = things.triangles
    if volume.holds is not None:
        held = volume.holds(corners.reshape(-1, 3)).reshape(-1, 3)
        return np.asarray(held.all(axis=1), bool)
    inside = np.zeros(len(things), bool)
    for leg in volume.surface.triangles:
        start, step = leg[0], leg[1] - leg[0]
        square = max(float(step @ step), 1e-300)
        t = np.clip((corners - start) @ step / square, 0.0, 1.0)
        away = np.linalg.norm(corners - start - t[..., None] * step, axis=2).max(axis=1)
        inside |= away + things.radius <= volume.radius
    return inside


def _apart(volume: Volume, things: Soup) -> tuple[Ints, Array]:
    """Pairs of a triangle of ``things`` with one of the volume's that may be near enough: which of
    the things it is, and the distance between them less the thing's radius."""
    low, high = things.bounds()
    least, most = volume.surface.bounds()
    reach = volume.radius
    plan = shapely.box(least[:, 0], least[:, 1], most[:, 0], most[:, 1])
    wanted = shapely.box(
        low[:, 0] - reach, low[:, 1] - reach, high[:, 0] + reach, high[:, 1] + reach
    )
    thing, part = shapely.STRtree(plan).query(wanted)
    near = (low[thing, 2] - reach <= most[part, 2]) & (high[thing, 2] + reach >= least[part, 2])
    thing, part = thing[near], part[near]
    found = gaps(things.triangles[thing], volume.surface.triangles[part]).distance
    return thing, found - things.radius[thing]


def _swallowed(volume: Volume, things: Soup, count: int) -> Mask:
    """Closed owners (n,) within which a corner of the volume's surface or core lies."""
    return encloses(things, volume.surface.triangles[0, 0], count)


def encloses(things: Soup, place: Array, count: int) -> Mask:
    """Closed owners (n,) of triangles without radius within which ``place`` (3,) lies."""
    low, high = things.bounds()
    # a tilt of two parts in a hundred leaves the box of a thing by no more than that of its height
    slope = 0.03 * np.maximum(high[:, 2] - place[2], 0.0)
    above = (high[:, 2] >= place[2]) & (things.radius == 0)
    for axis in (0, 1):
        above &= (low[:, axis] <= place[axis] + slope) & (high[:, axis] >= place[axis])
    rows = np.flatnonzero(above)
    t = cross(place, _ASKEW, things.triangles[rows])
    hits = np.bincount(things.owner[rows][np.nan_to_num(t, nan=-1.0) > 0], minlength=count)
    odd: Mask = hits % 2 == 1
    return odd
