"""Footprint shapes in local metres, counter-clockwise, centred on the origin."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import shapely
from shapely import Polygon, affinity


def rect(width: float, depth: float) -> Polygon:
    """A rectangle, ``width`` along x."""
    return shapely.box(-width / 2, -depth / 2, width / 2, depth / 2)


def stepped(width: float, depth: float, step: float) -> Polygon:
    """A slab whose eastern half stands ``step`` metres further north."""
    a, b = -width / 2, width / 2
    s, n = -depth / 2 - step / 2, depth / 2 - step / 2
    return Polygon(
        [(a, s), (0, s), (0, s + step), (b, s + step), (b, n + step), (0, n + step), (0, n), (a, n)]
    )


def notched(width: float, depth: float, units: int) -> Polygon:
    """A slab with a recessed stair bay on the north side of each unit."""
    ring = [(-width / 2, -depth / 2), (width / 2, -depth / 2), (width / 2, depth / 2)]
    pitch = width / units
    for k in range(units - 1, -1, -1):
        x = -width / 2 + (k + 0.5) * pitch
        ring += [(x + 1.4, depth / 2), (x + 1.4, depth / 2 - 1.5)]
        ring += [(x - 1.4, depth / 2 - 1.5), (x - 1.4, depth / 2)]
    return Polygon([*ring, (-width / 2, depth / 2)])


def ell(width: float, depth: float, wing: float) -> Polygon:
    """An L with its corner in the south-west."""
    return rect(width, depth) - shapely.box(
        -width / 2 + wing, -depth / 2 + wing, width / 2 + 1, depth / 2 + 1
    )


def you(width: float, depth: float, wing: float) -> Polygon:
    """A U that opens to the south."""
    return rect(width, depth) - shapely.box(
        -width / 2 + wing, -depth / 2 - 1, width / 2 - wing, depth / 2 - wing
    )


def court(width: float, depth: float, wing: float) -> Polygon:
    """A block around a courtyard (one hole)."""
    return rect(width, depth) - rect(width - 2 * wing, depth - 2 * wing)


def double_court(width: float, depth: float, wing: float) -> Polygon:
    """A block around two courtyards (two holes)."""
    hole = (width - 3 * wing) / 2
    shape = rect(width, depth)
    for side in (-1, 1):
        shape -= affinity.translate(rect(hole, depth - 2 * wing), side * (hole + wing) / 2)
    return shape


def comb(width: float, depth: float, wing: float, teeth: int) -> Polygon:
    """A school: a corridor wing along the west with ``teeth`` classroom wings."""
    shape = shapely.box(-width / 2, -depth / 2, -width / 2 + 0.5 * wing, depth / 2)
    pitch = (depth - wing) / (teeth - 1)
    for k in range(teeth):
        y = -depth / 2 + k * pitch
        shape |= shapely.box(-width / 2, y, width / 2, y + wing)
    return shape


def butterfly(size: float) -> Polygon:
    """A point tower: a core with two arms turned to the south-east and south-west."""
    core = rect(0.45 * size, 0.5 * size)
    arm = rect(0.62 * size, 0.40 * size)
    left = affinity.translate(affinity.rotate(arm, 22), -0.30 * size, -0.05 * size)
    right = affinity.translate(affinity.rotate(arm, -22), 0.30 * size, -0.05 * size)
    return shapely.union_all([core, left, right])


def cross(size: float) -> Polygon:
    """A cross-shaped point tower."""
    return rect(size, 0.52 * size) | rect(0.52 * size, size)


def rounded(width: float, depth: float, radius: float) -> Polygon:
    """A rectangle with round corners."""
    return rect(width - 2 * radius, depth - 2 * radius).buffer(radius, quad_segs=4)


def ellipse(width: float, depth: float) -> Polygon:
    """An ellipse of 40 corners."""
    return affinity.scale(shapely.Point(0, 0).buffer(0.5, quad_segs=10), width, depth)


def arc(radius: float, depth: float, opening: float) -> Polygon:
    """A curved slab: a ring sector of ``opening`` degrees, bulging south."""
    angle = np.radians(np.linspace(-90 - opening / 2, -90 + opening / 2, 17))
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    ring = np.vstack([unit * radius, unit[::-1] * (radius - depth)])
    return Polygon(ring + np.array([0.0, radius - depth / 2]))


def lens(width: float, depth: float) -> Polygon:
    """A wing-like roof outline, pointed east and west."""
    x = np.linspace(-1, 1, 25)
    y = (1 - x**2) ** 0.6
    ring = np.column_stack([x * width / 2, -y * depth / 2])
    back = np.column_stack([x[::-1] * width / 2, y[::-1] * depth / 2])
    return Polygon(np.vstack([ring, back[1:-1]]))


def chamfered(width: float, depth: float, cut: float) -> Polygon:
    """A rectangle with cut corners."""
    w, d = width / 2, depth / 2
    return Polygon(
        [
            (-w + cut, -d),
            (w - cut, -d),
            (w, -d + cut),
            (w, d - cut),
            (w - cut, d),
            (-w + cut, d),
            (-w, d - cut),
            (-w, -d + cut),
        ]
    )


def slab(rng: Random, width: float, depth: float) -> Polygon:
    """One of the slab forms, at random."""
    pick = rng.random()
    if pick < 0.5:
        return rect(width, depth)
    if pick < 0.75:
        return notched(width, depth, max(2, round(width / 15)))
    return stepped(width, depth, rng.choice([1.8, 2.4, 3.0]))


def place(shape: Polygon, x: float, y: float, degrees: float = 0.0) -> Polygon:
    """Turn about the origin, then move to (x, y)."""
    turned = affinity.rotate(shape, degrees, origin=(0, 0)) if degrees else shape
    return affinity.translate(turned, x, y)


def storeys_height(storeys: int, floor: float, ground_floor: float, parapet: float) -> float:
    """Height of a building of ``storeys``, rounded to a decimetre."""
    return math.floor((ground_floor + (storeys - 1) * floor + parapet) * 10 + 0.5) / 10
