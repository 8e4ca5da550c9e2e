"""Pieces of pipe as rounded boxes: a core box, of which any side may be nought, and a radius.

A round pipe is a segment with its radius (a capsule), a stadium a plate with one, a box has no
radius. So one distance between cores, less both radii, serves every pair. The shadow of a piece on
the plan is a rounded box again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.clearance.bodies import Bodies
from models.clearance.joints import F64, I64

#: Share of its length that a piece must run in plan to have a direction there.
_UPRIGHT: Final = 1e-9
#: Half the height of a prism (m), more than any distance that is asked for.
_PRISM: Final = 1e4


@dataclass(frozen=True, slots=True)
class Solids:
    """n rounded boxes: ``centre`` (n, 3); ``axes`` (n, 3, 3) unit rows along the pipe, across it
    (level) and up; ``half`` (n, 3) half sizes of the core along them; ``radius`` (n,). Metres."""

    centre: F64
    axes: F64
    half: F64
    radius: F64

    def __len__(self) -> int:
        return len(self.radius)

    def __getitem__(self, rows: npt.NDArray[Any]) -> Solids:
        return Solids(self.centre[rows], self.axes[rows], self.half[rows], self.radius[rows])

    def moved(self, by: F64) -> Solids:
        """The same, ``by`` (n, 3) metres away."""
        return Solids(self.centre + by, self.axes, self.half, self.radius)

    def reach_up(self) -> F64:
        """How far each (n,) reaches above (and below) its centre."""
        up: F64 = (np.abs(self.axes[:, :, 2]) * self.half).sum(axis=1) + self.radius
        return up


def solids(bodies: Bodies, rows: I64) -> Solids:
    """The pieces ``rows`` as solids in space; NaN where height or size is unknown."""
    start, end = bodies.start[rows], bodies.end[rows]
    axes, length = _frame(end - start)
    half, radius = _section(bodies, rows)
    half[:, 0] = length / 2
    return Solids((start + end) / 2, axes, half, radius)


def shadows(bodies: Bodies, rows: I64) -> Solids:
    """The shadows of the pieces ``rows`` on the plan (z = 0), NaN where the size is unknown.

    Those of boxes are tall prisms, so that a distance between two, also one below zero, is one in
    the plan. A slope of unknown height counts as level.
    """
    start, end = bodies.start[rows].copy(), bodies.end[rows].copy()
    level = ~np.isfinite(start[:, 2]) | ~np.isfinite(end[:, 2])
    start[level, 2] = end[level, 2] = 0.0
    axes, length = _frame(end - start)
    half, radius = _section(bodies, rows)
    flat = np.stack([np.cross(axes[:, 1], [0.0, 0.0, 1.0]), axes[:, 1], axes[:, 2]], axis=1)
    flat[:, 2] = [0.0, 0.0, 1.0]
    cos, sin = np.abs(axes[:, 2, 2]), np.abs(axes[:, 0, 2])
    half[:, 0] = length / 2 * cos + half[:, 2] * sin
    slim = (half[:, 1:] == 0).all(axis=1)
    half[:, 2] = np.where(slim | np.isnan(radius), half[:, 2], _PRISM)
    centre = (start + end) / 2
    centre[:, 2] = 0.0
    return Solids(centre, flat, half, radius)


def _frame(along: F64) -> tuple[F64, F64]:
    """Axes (n, 3, 3) and lengths (n,): across is level, and east where the pipe stands upright."""
    length = np.linalg.norm(along, axis=1)
    plan = np.hypot(along[:, 0], along[:, 1])
    stands = ~(plan > _UPRIGHT * length)
    with np.errstate(invalid="ignore", divide="ignore"):
        across = np.stack([-along[:, 1], along[:, 0], np.zeros(len(along))], 1) / plan[:, None]
        unit = along / length[:, None]
    across[stands] = [1.0, 0.0, 0.0]
    unit[stands] = [0.0, 0.0, 1.0]
    unit[length == 0] = [0.0, -1.0, 0.0]
    return np.stack([unit, across, np.cross(unit, across)], axis=1), length


def _section(bodies: Bodies, rows: I64) -> tuple[F64, F64]:
    """Half sizes of the cores (the length still nought) and radii."""
    wide, tall, box = bodies.half_width[rows], bodies.half_height[rows], bodies.box[rows]
    radius = np.where(box, 0.0, np.minimum(wide, tall))
    half = np.stack([np.zeros(len(rows)), wide - radius, tall - radius], axis=1)
    return half, np.where(np.isnan(wide + tall), np.nan, radius)
