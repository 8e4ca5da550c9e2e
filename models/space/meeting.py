"""Whether bodies of two soups meet, pair by pair."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely

from models.space.soup import Mask, Soup
from models.space.triangles import Ints, gaps
from models.space.volumes import encloses

_NONE: Final = np.empty(0, np.int64)


def bodies_meet(a: Soup, first: Ints, b: Soup, second: Ints) -> Mask:
    """Whether owner ``first[i]`` of ``a`` and owner ``second[i]`` of ``b`` touch, pierce or hold
    one another (n,). An owner without a triangle meets nothing.

    A body that another holds wholly is found by the parity of the faces above one of its corners.
    """
    ours, theirs = _by_owner(a), _by_owner(b)
    out = np.zeros(len(first), bool)
    for i, (one, other) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        out[i] = _meet(a.take(ours.get(one, _NONE)), b.take(theirs.get(other, _NONE)))
    return out


def _by_owner(soup: Soup) -> dict[int, Ints]:
    if not len(soup):
        return {}
    order = np.argsort(soup.owner, kind="stable").astype(np.int64)
    owners, starts = np.unique(soup.owner[order], return_index=True)
    return dict(zip(owners.tolist(), np.split(order, starts[1:]), strict=True))


def _meet(a: Soup, b: Soup) -> bool:
    if not (len(a) and len(b)):
        return False
    low_a, high_a = a.bounds()
    low_b, high_b = b.bounds()
    boxes = shapely.box(low_b[:, 0], low_b[:, 1], high_b[:, 0], high_b[:, 1])
    wanted = shapely.box(low_a[:, 0], low_a[:, 1], high_a[:, 0], high_a[:, 1])
    i, j = shapely.STRtree(boxes).query(wanted)
    near = (low_a[i, 2] <= high_b[j, 2]) & (high_a[i, 2] >= low_b[j, 2])
    i, j = i[near], j[near]
    apart = gaps(a.triangles[i], b.triangles[j]).distance - a.radius[i] - b.radius[j]
    return bool((apart <= 0).any()) or _holds(a, b) or _holds(b, a)


def _holds(outer: Soup, inner: Soup) -> bool:
    """Whether a corner of ``inner`` lies within the closed ``outer``."""
    if not outer.closed:
        return False
    whole = Soup(outer.triangles, outer.radius, np.zeros(len(outer), np.int64))
    return bool(encloses(whole, inner.triangles[0, 0], 1)[0])
