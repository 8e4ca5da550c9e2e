"""Vertical net distances: how far the upper body may sink before it touches the lower one.

At a crossing this is the gap between bottom and top where the two are nearest over each other; it
holds for sloping pipes, boxes, uprights, and pipes one along above the other alike. Level pipes
that cross square give |z1 - z2| - r1 - r2. It is negative where the bodies overlap: how far the
upper one would have to rise.

Distance is a convex function of the lift, so Newton's method from above (G. van den Bergen, *Ray
Casting against General Convex Objects*, 2004) reaches the contact without passing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.clearance.distance import spatial
from models.clearance.joints import F64, Mask
from models.clearance.solids import Solids

_STEPS: Final = 60
#: How near to contact is near enough (m).
_CONTACT: Final = 1e-7


@dataclass(frozen=True, slots=True)
class VerticalGaps:
    """``distance`` (n,) metres, NaN where the pair does not overlap in plan or a height or size is
    unknown; ``a_above`` (n,); ``on_a``, ``on_b`` (n, 3) the facing points of the surfaces."""

    distance: F64
    a_above: Mask
    on_a: F64
    on_b: F64


def vertical(a: Solids, b: Solids) -> VerticalGaps:
    """Vertical net distance of n pairs of solids whose shadows overlap.

    The upper of a pair is the one that must be moved less to lie free above the other.
    """
    first, at_first = _sinking(a, b)
    again = ~(first > 0)  # a lies not above b: perhaps b above a
    second, at_second = np.full(len(a), -np.inf), np.full((len(a), 3), np.nan)
    second[again], at_second[again] = _sinking(b[again], a[again])
    above = ~(second > first)
    distance = np.where(above, first, second)
    contact = np.where(above[:, None], at_first, at_second)
    over = contact.copy()
    over[:, 2] += distance
    side = above[:, None]
    return VerticalGaps(
        distance, above, np.where(side, over, contact), np.where(side, contact, over)
    )


def _sinking(upper: Solids, lower: Solids) -> tuple[F64, F64]:
    """How far ``upper`` may sink (n,) to touch ``lower`` from above, and the point of contact on
    the lower one (n, 3)."""
    lift = lower.centre[:, 2] + lower.reach_up() - upper.centre[:, 2] + upper.reach_up()
    contact = np.full((len(lift), 3), np.nan)
    active = np.flatnonzero(np.isfinite(lift))
    lift[~np.isfinite(lift)] = np.nan
    for _ in range(_STEPS):
        if not len(active):
            break
        up = np.zeros((len(active), 3))
        up[:, 2] = lift[active]
        gaps = spatial(upper[active].moved(up), lower[active])
        contact[active] = gaps.on_b
        slope = gaps.normal[:, 2]
        touches = gaps.distance <= _CONTACT
        passes = ~touches & ~(slope > 1e-6)
        lift[active[passes]] = np.nan
        going = ~touches & ~passes
        active = active[going]
        lift[active] -= gaps.distance[going] / slope[going]
    return -lift, contact
