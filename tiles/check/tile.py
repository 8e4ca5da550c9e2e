"""Checks of one tile by itself and against its parent: transform, volume, geometric error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from tiles.check.implicit import Node
from tiles.check.volumes import Volume, parse, tolerance
from tiles.content import F64

JsonObject: TypeAlias = dict[str, Any]
#: Called with code, found and expected.
Note: TypeAlias = Callable[[str, object, object], None]

INSIDE: Final = "a relative URI within the folder"
_MATRIX: Final = "16 finite numbers, column by column, of an invertible affine matrix"


@dataclass(frozen=True, slots=True)
class Tileset:
    """A tileset file on the way: its name, those that led to it, and what it says for all tiles."""

    name: str
    chain: tuple[str, ...]
    version: str
    up: str
    schema: JsonObject


@dataclass(slots=True)
class Cost:
    """What a tile's contents take together: ``files`` to fetch, each once, and what is drawn."""

    contents: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    triangles: int = 0
    draw_calls: int = 0


@dataclass(slots=True)
class Visit:
    """A tile on the walk. ``matrix`` (4, 4) tile → ECEF. ``outer`` are ancestors' volumes that do
    not hold this tile's, so that geometry has to be compared with them as well. ``near`` tells
    whether the far view fetches this tile. ``top`` marks the root tile of a file. ``number``
    counts tiles from 1; ``replaced`` tells that children take the place of its content, and
    ``replaces`` is the tile whose content this one's takes the place of, 0 for none."""

    tile: JsonObject
    where: str
    tileset: Tileset
    parent: Visit | None
    level: int
    near: bool
    top: bool = False
    node: Node | None = None
    matrix: F64 | None = None
    volume: Volume | None = None
    outer: tuple[Volume, ...] = ()
    error: float | None = None
    refine: str = "REPLACE"
    number: int = 0
    replaced: bool = False
    replaces: int = 0
    cost: Cost = field(default_factory=Cost)


def inspect(visit: Visit, note: Note) -> None:
    """Fill in what a tile says of itself (``matrix``, ``volume``, ``error``, ``refine``) and what
    it ``replaces``, and note its faults."""
    tile, parent = visit.tile, visit.parent
    visit.refine = str(tile.get("refine", parent.refine if parent else "REPLACE")).upper()
    visit.matrix = _matrix(tile, parent, note)
    visit.error = _error(visit, note)
    if parent is not None:
        visit.replaces = parent.number if parent.replaced else parent.replaces
    spec = tile.get("boundingVolume")
    if isinstance(spec, dict) and set(spec) == {"extensions"}:
        note("TSC-09", ", ".join(map(str, spec["extensions"])), "box, region, sphere")
        return
    try:
        visit.volume = parse(spec, visit.matrix)
    except (ValueError, TypeError) as error:
        note("TSC-15", error, "a box, sphere or region of finite numbers")
        return
    if parent is None or parent.volume is None:
        return
    visit.outer = parent.outer
    excess, allowed = parent.volume.excess(visit.volume), tolerance(parent.volume)
    if excess > allowed:
        note("TSC-13", metres(excess), metres(allowed))
        visit.outer = (*parent.outer, parent.volume)


def check_content_volume(visit: Visit, spec: Any, note: Note) -> Volume | None:
    """The content's own volume, compared with the tile's."""
    if spec is None or visit.matrix is None:
        return None
    try:
        volume = parse(spec, visit.matrix)
    except (ValueError, TypeError) as error:
        note("TSC-15", error, "a box, sphere or region of finite numbers")
        return None
    if visit.volume is not None:
        excess, allowed = visit.volume.excess(volume), tolerance(visit.volume)
        if excess > allowed:
            note("TSC-14", metres(excess), metres(allowed))
    return volume


def metres(value: float) -> str:
    """A length for a sentence."""
    return f"{value:.3f} m" if value < 1000 else f"{value:.0f} m"


def _matrix(tile: JsonObject, parent: Visit | None, note: Note) -> F64:
    above = np.eye(4) if parent is None or parent.matrix is None else parent.matrix
    if "transform" not in tile:
        return above
    try:
        own = np.asarray(tile["transform"], dtype=np.float64)
    except (ValueError, TypeError):
        own = np.empty(0)
    fault = ""
    if own.shape != (16,):
        fault = f"{own.size} numbers"
    elif not np.isfinite(own).all():
        fault = "numbers that are not finite"
    elif not np.array_equal(own[[3, 7, 11]], np.zeros(3)) or own[15] != 1:
        fault = f"a last row of {own[[3, 7, 11, 15]].tolist()}"
    elif abs(np.linalg.det(own.reshape(4, 4)[:3, :3])) < 1e-12:
        fault = "a matrix that cannot be inverted"
    if fault:
        note("TSC-16", fault, _MATRIX)
        return above
    out: F64 = above @ own.reshape(4, 4).T
    return out


def _error(visit: Visit, note: Note) -> float | None:
    value, parent = visit.tile.get("geometricError"), visit.parent
    if isinstance(value, bool) or not isinstance(value, int | float):
        note("TSC-20", "nothing" if value is None else repr(value), "a number of 0 or more")
        return None
    if not math.isfinite(value) or value < 0:
        note("TSC-20", value, "a number of 0 or more")
        return None
    if parent is not None and parent.error is not None:
        if value > parent.error:
            note("TSC-21", f"{value:g}", f"{parent.error:g}")
        elif value == parent.error and not visit.top:  # an external root stands for its tile
            note("TSC-22", f"{value:g}", f"{parent.error:g}")
    return float(value)
