"""The far view: what a client fetches to see a whole tileset at once."""

from __future__ import annotations

import math

import numpy as np

from tiles.check.report import Limits
from tiles.check.tile import Visit
from tiles.check.volumes import Volume
from tiles.content import F64


def camera(volume: Volume, limits: Limits) -> F64:
    """Where the whole tileset just fills the height of the screen, seen from above (ECEF)."""
    centre, radius = volume.sphere()
    far = float(np.linalg.norm(centre))
    up = centre / far if far > 1e6 else np.array([0.0, 0.0, 1.0])
    half = math.radians(limits.field_of_view / 2)
    out: F64 = centre + up * max(radius, 1e-3) / math.sin(half)
    return out


def refines(visit: Visit, eye: F64 | None, limits: Limits) -> bool:
    """Whether a client at ``eye`` goes on to the children: their tile's screen-space error is
    above the limit (3D Tiles 1.1 section 6.7.2.2)."""
    if visit.volume is None or eye is None or not visit.error:
        return False
    centre, radius = visit.volume.sphere()
    distance = max(float(np.linalg.norm(eye - centre)) - radius, 1e-3)
    half = math.radians(limits.field_of_view / 2)
    pixels = visit.error * limits.screen_height / (2 * distance * math.tan(half))
    return bool(pixels > limits.screen_error)
