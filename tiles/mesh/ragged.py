"""Variable-length groups kept as one array plus ``starts`` (groups + 1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiles.content import F64

I64 = npt.NDArray[np.int64]


def starts_of(counts: npt.ArrayLike) -> I64:
    """``starts`` of groups with ``counts`` members: 0, then the running sum."""
    counts = np.asarray(counts, np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def positions_in_group(counts: npt.ArrayLike) -> I64:
    """0, 1, 2, … within each group of ``counts`` members."""
    counts = np.asarray(counts, np.int64)
    return np.arange(counts.sum()) - np.repeat(starts_of(counts)[:-1], counts)


def take(starts: I64, rows: I64) -> tuple[I64, I64]:
    """Members of the groups ``rows`` as indices into the flat array, and their own starts."""
    counts = starts[rows + 1] - starts[rows]
    return np.repeat(starts[rows], counts) + positions_in_group(counts), starts_of(counts)


def bounds(points: F64, starts: I64) -> F64:
    """Boxes (groups, 6), minimum then maximum, of ``points`` (n, 3); groups must not be empty."""
    if len(starts) == 1:
        return np.empty((0, 6))
    return np.hstack(
        [np.minimum.reduceat(points, starts[:-1]), np.maximum.reduceat(points, starts[:-1])]
    )


def extent(points: npt.NDArray[np.generic]) -> tuple[list[float], list[float]]:
    """Least and greatest of each column of ``points`` (n, 3), n > 0; column by column, which is
    many times faster than a reduction over the long axis."""
    return [column.min().item() for column in points.T], [c.max().item() for c in points.T]
