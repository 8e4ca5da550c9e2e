"""Bodies of triangles as solids: which triangles make closed shells, and which shells are voids.

A shell is closed where every edge is passed as often in one direction as in the other; it then
splits space into inside and outside (ISO 19107:2019, GM_Shell; OGC 21-045r1 section 9).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.space.soup import Soup
from models.space.triangles import Array, Ints
from models.space.volumes import encloses

#: Of every solid its shells, the outer one first: rows of triangles.
Solid: TypeAlias = list[Ints]


def faces(triangles: Array) -> Ints:
    """Rows of ``triangles`` (n, 3, 3) whose corners are three different places."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    same = (a == b).all(axis=1) | (b == c).all(axis=1) | (c == a).all(axis=1)
    return np.flatnonzero(~same).astype(np.int64)


def solids(triangles: Array) -> tuple[Array, list[Solid]] | None:
    """The triangles (n, 3, 3; metres) seen counter-clockwise from outside the solids that they
    bound, voids clockwise, and the shells of each solid; None where they are not closed.

    Corners meet where their coordinates are equal. Shells that lie apart are solids of their own;
    one that is turned inwards is a void of the smallest solid around it, and where there is none it
    was turned the wrong way.
    """
    if not len(triangles):
        return None
    corner = _corners(triangles)
    edges = np.concatenate([corner[:, [0, 1]], corner[:, [1, 2]], corner[:, [2, 0]]])
    low, high = edges.min(axis=1), edges.max(axis=1)
    _, edge = np.unique(low * (corner.max() + 1) + high, return_inverse=True)
    way = np.where(edges[:, 0] < edges[:, 1], 1, -1)
    if (np.bincount(edge, way) != 0).any():
        return None
    count, shell = connected_components(_beside(edge, len(triangles)), directed=False)
    volume = _volumes(triangles, shell, count)
    outer = np.flatnonzero(volume >= 0)
    inside = {int(one): _around(triangles, shell, int(one), volume) for one in set(range(count))
              - set(outer.tolist())}  # fmt: skip
    turned = [one for one, around in inside.items() if around is None]
    wrong = np.isin(shell, turned)
    out = triangles.copy()
    out[wrong] = out[wrong][:, ::-1]
    rows = [np.flatnonzero(shell == one).astype(np.int64) for one in range(count)]
    found = {int(one): [rows[int(one)]] for one in (*outer, *turned)}
    for one, around in inside.items():
        if around is not None:
            found[around].append(rows[one])
    return out, list(found.values())


def _corners(triangles: Array) -> Ints:
    """Numbers (n, 3) of the corners, equal for equal places."""
    places = (triangles + 0.0).reshape(-1, 3)  # no negative noughts
    _, number = np.unique(places, axis=0, return_inverse=True)
    return number.reshape(-1, 3).astype(np.int64)


def _beside(edge: npt.NDArray[np.intp], count: int) -> coo_array:
    """Which triangles share an edge: each with the next one of the same edge."""
    order = np.argsort(edge, kind="stable")
    triangle = np.tile(np.arange(count), 3)[order]
    same = edge[order][1:] == edge[order][:-1]
    first, second = triangle[:-1][same], triangle[1:][same]
    return coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))


def _volumes(triangles: Array, shell: npt.NDArray[np.int32], count: int) -> Array:
    """Volume (count,) of every shell, negative where it is turned inwards."""
    a, b, c = np.moveaxis(triangles - triangles[0, 0], 1, 0)
    sixth = np.einsum("ni,ni->n", a, np.cross(b, c)) / 6
    return np.bincount(shell, sixth, count).astype(np.float64)


def _around(triangles: Array, shell: npt.NDArray[np.int32], one: int, volume: Array) -> int | None:
    """The smallest outward shell around the shell ``one``."""
    place = triangles[shell == one][0].mean(axis=0)
    soup = Soup(triangles, np.zeros(len(triangles)), shell.astype(np.int64))
    holding = np.flatnonzero(encloses(soup, place, len(volume)) & (volume > 0))
    return int(holding[np.argmin(volume[holding])]) if len(holding) else None
