"""How fine a grid of points a view of the whole layer needs."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tiles.content import F64
from tiles.points.morton import DEPTH, Cube

#: Pixels of error at which a client refines, and pixels and degrees of its view's height.
_PIXELS, _HEIGHT, _VIEW = 16.0, 1080.0, 60.0
#: Where the whole just fills that view, what is below the root is at least so many of its radii
#: away: the camera is two radii from the middle, a cell below the root is half as large.
_AWAY: Final = 1.15


def far_depth(box: F64, cube: Cube) -> int:
    """The coarsest grid that a client is content with which sees all points at once; they lie in
    ``box`` (6,). 0 where no grid is coarse enough to tell."""
    radius = float(np.linalg.norm(box[3:] - box[:3])) / 2
    error = _AWAY * radius * 2 * math.tan(math.radians(_VIEW / 2)) * _PIXELS / _HEIGHT
    if not error > cube.diagonal(DEPTH):
        return 0
    return max(math.ceil(math.log2(cube.diagonal(0) / error)), 0)
