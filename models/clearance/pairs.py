"""Broad phase: which pieces are near enough to be measured, and which pairs are none of a check's
business because they are joined or one holds the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from models import pipes
from models.clearance.bodies import Bodies
from models.clearance.joints import F64, I64, INSIDE_CHAMBER, Mask, column

#: Boxes of the index hold at most so much of a piece (m): long slanting ones would hold the city.
_INDEXED: Final = 40.0
#: Pieces, and pairs, that are looked at together.
_BULK: Final = 20_000
_PAIRS: Final = 4_000_000
#: Twice the accuracy widens the search, but not by more than this (m).
_WIDEST: Final = 3.0
#: Pipes joined by one that is not longer than so many times their distance are near because of it.
_DETOUR: Final = 1.5


def candidates(bodies: Bodies, reach: float) -> Iterator[tuple[I64, I64]]:
    """Pairs of pieces, in bulks of bounded size, each pair once and the lesser row first.

    They hold every pair of different owners whose surfaces are within ``reach`` metres in plan, or
    might be by twice the accuracy of both; and some that are not. An unknown size counts as nought.
    """
    rows, low, high = _index_boxes(bodies, reach)
    if not len(rows):
        return
    boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    tree = shapely.STRtree(boxes)
    # A bulk holds all boxes of its pieces, so that no other bulk meets the same pair.
    bulk = _bulk(tree, boxes)
    bounds = np.searchsorted(rows, np.arange(0, len(bodies) + bulk, bulk))
    for first, last in pairwise(bounds.tolist()):
        near, far = tree.query(boxes[first:last])
        a, b = rows[near + first], rows[far]
        use = (a < b) & (bodies.owner[a] != bodies.owner[b])
        pair = a[use] << 32 | b[use]
        if len(rows) > len(bodies):
            pair = np.unique(pair)
        yield pair >> 32, pair & 0xFFFF_FFFF


def _bulk(tree: shapely.STRtree, boxes: Any) -> int:
    """Pieces to take at a time: fewer where a sample of them has many neighbours."""
    sample = boxes[:: max(1, len(boxes) // 64)]
    most = np.bincount(tree.query(sample)[0], minlength=1).max()
    return int(np.clip(_PAIRS // max(int(most), 1), 16, _BULK))


def _index_boxes(bodies: Bodies, reach: float) -> tuple[I64, F64, F64]:
    """Rows, and lower and upper corners (k, 2), of boxes around parts of the pieces."""
    start, end = bodies.start[:, :2], bodies.end[:, :2]
    margin = reach / 2 + np.nan_to_num(np.fmax(bodies.half_width, bodies.half_height))
    margin += np.minimum(2 * np.nan_to_num(bodies.sigma_xy), _WIDEST)
    parts = np.maximum(np.ceil(np.linalg.norm(end - start, axis=1) / _INDEXED), 1).astype(np.int64)
    rows = np.repeat(np.arange(len(bodies)), parts)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(parts) - parts, parts)
    step = ((end - start) / parts[:, None])[rows]
    one = start[rows] + step * place[:, None]
    wide = margin[rows][:, None]
    return rows, np.minimum(one, one + step) - wide, np.maximum(one, one + step) + wide


@dataclass(frozen=True, slots=True)
class Relations:
    """What the segments of a table have to do with each other.

    ``ends`` (s, 2) as in :class:`Bodies`; ``aside`` (s,) links inside a
    chamber, which no check is about; ``inside`` and ``holds`` (s,) tell what lies in a drain (bit
    1, 小通道) or in a utility tunnel (bit 2, 综合管廊) and what is one; ``links`` (k,) sorted keys
    of joined ends with the ``shortest`` (k,) segment between them.
    """

    ends: I64
    aside: Mask
    inside: I64
    holds: I64
    links: I64
    shortest: F64

    @classmethod
    def of(cls, bodies: Bodies, segments: pd.DataFrame) -> Relations:
        """Relations of the table that ``bodies`` were made of."""
        known = pipes.classes()
        code, embed = column(segments, "class_code"), column(segments, "embed")
        drain = np.fromiter((c in known and known[c].major == "PS" for c in code), bool, len(code))
        step = np.nan_to_num(bodies.end - bodies.start)
        length = np.bincount(bodies.owner, np.linalg.norm(step, axis=1), len(segments))
        keys = _key(bodies.ends[:, 0], bodies.ends[:, 1])
        order = np.lexsort([length, keys])
        links, first = np.unique(keys[order], return_index=True)
        return cls(
            bodies.ends,
            embed == INSIDE_CHAMBER,
            np.where(embed == "小通道", 1, 0) | np.where(embed == "综合管廊", 2, 0),
            np.where(drain, 1, 0) | np.where(code == "ZH", 2, 0),
            links,
            length[order][first],
        )

    def strangers(self, a: I64, b: I64) -> Mask:
        """Pairs of segments that are neither joined at an end or in a chamber, nor a link inside
        one, nor one in the other (a pipe in a drain or in a utility tunnel)."""
        joined = np.zeros(len(a), bool)
        for i in (0, 1):
            for j in (0, 1):
                joined |= self.ends[a, i] == self.ends[b, j]
        held = (self.inside[a] & self.holds[b]) | (self.inside[b] & self.holds[a])
        return np.asarray(~joined & ~self.aside[a] & ~self.aside[b] & (held == 0))

    def by_one_link(self, a: I64, b: I64, distance: F64) -> Mask:
        """Pairs that one segment joins and that are near for that: it is not longer than one and a
        half times their ``distance`` (n,) between centre lines with their half sizes."""
        out = np.zeros(len(a), bool)
        for i in (0, 1):
            for j in (0, 1):
                key = _key(self.ends[a, i], self.ends[b, j])
                at = np.minimum(np.searchsorted(self.links, key), len(self.links) - 1)
                out |= (self.links[at] == key) & (self.shortest[at] <= _DETOUR * distance)
        return out


def _key(a: I64, b: I64) -> I64:
    return np.asarray(np.minimum(a, b) << 32 | np.maximum(a, b), np.int64)
