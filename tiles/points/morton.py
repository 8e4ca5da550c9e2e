"""The order of points: a cube's cells by Morton code, and how coarse a grid each point stands for.

The cube is halved :data:`DEPTH` times along each axis. A cell of depth d is the first 3 d bits of
its points' codes, so that the points of any cell follow each other once they are sorted by code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tiles.content import F64

U64 = npt.NDArray[np.uint64]
U8 = npt.NDArray[np.uint8]

#: Halvings of the cube: the most that three axes leave room for in 64 bits.
DEPTH: Final = 21
#: First depth of a point that shares even the finest cell with one before it.
NEVER: Final = DEPTH + 1
_SPREAD: Final = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


@dataclass(frozen=True, slots=True)
class Cube:
    """``origin`` is the corner of least x, y, z, ``side`` a power of two; metres, ENU."""

    origin: tuple[float, float, float]
    side: float

    @classmethod
    def around(cls, box: F64) -> Cube:
        """The cube that holds ``box`` (6,) with some room; whole metres, so that it is exact."""
        low = np.floor(box[:3]) - 1.0
        reach = float((box[3:] - low).max()) + 1.0
        return cls((float(low[0]), float(low[1]), float(low[2])), 2.0 ** np.ceil(np.log2(reach)))

    def diagonal(self, depth: int) -> float:
        """Metres between opposite corners of a cell."""
        return float(np.sqrt(3.0) * self.side / 2**depth)


def encode(points: F64, cube: Cube) -> U64:
    """Morton codes (n,) of ``points`` (n, 3); those outside ``cube`` get its nearest cell."""
    cells = (points - np.array(cube.origin)) * (2**DEPTH / cube.side)
    cells = np.clip(cells, 0, 2**DEPTH - 1).astype(np.uint64)
    x, y, z = (_spread(cells[:, axis]) for axis in range(3))
    out: U64 = x | (y << np.uint64(1)) | (z << np.uint64(2))
    return out


def first_depths(codes: U64, before: int | None) -> U8:
    """The depth (n,) from which on each point is the first of its cell, in order of sorted
    ``codes``; ``before`` is the code that precedes them, None where they are the first of all.

    The points of depth d or less are one of every occupied cell of depth d: a sample of the cloud
    in which no point is further from one drawn than :meth:`Cube.diagonal`.
    """
    if not len(codes):
        return np.empty(0, np.uint8)
    last = np.empty_like(codes)
    last[1:] = codes[:-1]
    last[0] = codes[0] if before is None else np.uint64(before)
    differ = codes ^ last
    # Without neighbouring bits, rounding to a float cannot carry into the next power of two.
    _, top = np.frexp((differ & ~(differ >> np.uint64(1))).astype(np.float64))
    out = (DEPTH - (top - 1) // 3).astype(np.uint8)
    out[differ == 0] = NEVER
    if before is None:
        out[0] = 0
    return out


def bounds(prefix: int, depth: int) -> tuple[int, int]:
    """First code of a cell, and of the one after it."""
    shift = 3 * (DEPTH - depth)
    return prefix << shift, (prefix + 1) << shift


def cells_at(codes: U64, depth: int) -> U64:
    """The occupied cells of ``depth`` in order, of sorted ``codes``."""
    return distinct(codes >> np.uint64(3 * (DEPTH - depth)))


def distinct(cells: U64) -> U64:
    """Each of sorted ``cells`` once."""
    return cells[np.concatenate([[True], cells[1:] != cells[:-1]])] if len(cells) else cells


def _spread(values: U64) -> U64:
    """The 21 bits of each value, two zero bits after each."""
    for shift, mask in _SPREAD:
        values = (values | (values << np.uint64(shift))) & np.uint64(mask)
    return values
