"""Pipes as straight pieces with an outer section: what distances are measured between.

A clearance is between outer surfaces, never between centre lines.

* A round pipe has its outer diameter: ``od_mm``, else ``id_mm`` and two walls, else the nominal
  size (``width_mm``, ``height_mm`` or ``id_mm``) as it stands. A wall that nobody gave is not
  guessed: :attr:`Bodies.nominal` marks such pieces (also those whose outer diameter equals the
  inner one for want of a wall, which is usual for all but plastics and cables), and an answer must
  say so.
* A box (``rect``, ``bank``) is ``width_mm`` by ``height_mm`` as stated, upright, with its axis
  along the line; one that stands vertically has its width from west to east. The walls of channels
  are rarely surveyed, so a box counts as nominal too.
* An egg is its bounding stadium: two half circles of its width with straight sides between them.
  It is exact at crown, invert and springing, and up to 0.12 of its width too fat at the lower
  flanks, which is on the safe side.
* A size that is missing, or is not above zero and at most 20 m, is NaN: unknown, never assumed.

Round ends are capped by hemispheres, which fills the joint at a bend; a pipe that ends freely
reaches too far by at most its radius. Boxes end flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely

from models import pipes
from models.clearance.joints import F64, I64, Mask, column, joints, numbers, rows_of_points

#: Sizes above this are slips of the pen (mm).
_GREATEST_MM: Final = 20_000.0
_BOXES: Final = ("rect", "bank")
_PLASTICS: Final = ("聚乙烯", "聚氯乙烯")
_CABLES: Final = ("DL", "TX")


@dataclass(frozen=True, slots=True)
class Bodies:
    """n straight pieces of pipe.

    ``owner`` (n,) row of the segment table; ``start``, ``end`` (n, 3) centre line, metres in the
    storage CRS with 1985 heights (z NaN where unknown); ``half_width``, ``half_height`` (n,) outer
    half sizes in metres (NaN where unknown); ``box`` (n,) true for boxes, else round or stadium;
    ``sigma_xy``, ``sigma_z`` (n,) 1 sigma in metres, NaN where unknown; ``nominal`` (n,) true where
    the outer size is the nominal one; ``nodes`` (n, 2) a number for every vertex, equal where
    pieces meet; ``ends`` (s, 2) the same of every row of the segment table, -1 without a line.
    Points of one chamber have one number (:func:`models.clearance.joints.joints`).
    """

    owner: I64
    start: F64
    end: F64
    half_width: F64
    half_height: F64
    box: Mask
    sigma_xy: F64
    sigma_z: F64
    nominal: Mask
    nodes: I64
    ends: I64

    def __len__(self) -> int:
        return len(self.owner)


def bodies(segments: pd.DataFrame, points: pd.DataFrame | None = None) -> Bodies:
    """The straight pieces of ``segments`` (:data:`models.features.PIPE_SEGMENT`).

    ``points`` (:data:`~models.features.PIPE_POINT`) gives the accuracy of the ends, the poorer one
    for the piece; without it, the accuracy is that of the segment's ``quality_level`` (§1.9 of the
    domain reference, ``models/data/pipes/accuracy.yaml``), NaN for records and where none is given.
    Repeated vertices are dropped; a line of zero length stays as one piece. Rows without a line
    have no piece.
    """
    geoms = column(segments, "geom")
    geoms[~shapely.is_geometry(geoms)] = None
    geoms[shapely.get_type_id(geoms) != 1] = None
    xyz, of = shapely.get_coordinates(geoms, include_z=True, return_index=True)
    owner, first = _pieces(xyz, of)
    wide, tall, box, nominal = outer_sizes(segments)
    plan, up = _accuracy(segments, points)
    ends = joints(segments, points, geoms)
    return Bodies(
        owner,
        xyz[first],
        xyz[first + 1],
        wide[owner] / 2,
        tall[owner] / 2,
        box[owner],
        plan[owner],
        up[owner],
        nominal[owner],
        _piece_nodes(owner, first, of, ends),
        ends,
    )


def outer_sizes(segments: pd.DataFrame) -> tuple[F64, F64, Mask, Mask]:
    """Outer width and height (s,) in metres, which are boxes, and which sizes are nominal ones."""
    width, height, od, inner = (
        _millimetres(segments, name) for name in ("width_mm", "height_mm", "od_mm", "id_mm")
    )
    shape = column(segments, "shape").astype(str)
    box: Mask = np.isin(shape, _BOXES)
    flat = box | (shape == "egg")
    stated = _first(width, height, inner)
    outer = _first(od, inner + 2 * _millimetres(segments, "wall_mm"))
    nominal: Mask = flat | np.isnan(outer) | ((od == inner) & ~_outer_sized(segments))
    wide = np.where(flat, _first(width, height), _first(outer, stated))
    tall = np.where(flat, _first(height, width), wide)
    return wide / 1000, tall / 1000, box, nominal & ~np.isnan(wide)


def _outer_sized(segments: pd.DataFrame) -> Mask:
    """Plastic pipes and cables, whose nominal size is the outer one."""
    known = pipes.classes()
    code = [known[c].major if c in known else "" for c in column(segments, "class_code")]
    plastic = np.isin(column(segments, "material").astype(str), _PLASTICS)
    return np.asarray(plastic | np.isin(np.array(code, dtype=str), _CABLES))


def _pieces(xyz: F64, of: I64) -> tuple[I64, I64]:
    """Owner and first vertex of every piece: two vertices of a line that differ, or the first two
    of a line whose vertices are all the same."""
    if len(of) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    same_line = of[1:] == of[:-1]
    step = np.nan_to_num(np.abs(np.diff(xyz, axis=0))).max(axis=1)
    moves = same_line & (step > 0)
    opens = same_line & np.concatenate([[True], of[1:-1] != of[:-2]])
    still = np.bincount(of[1:], weights=moves, minlength=int(of.max()) + 1) == 0
    first = np.flatnonzero(moves | (opens & still[of[1:]]))
    return of[first].astype(np.int64), first.astype(np.int64)


def _piece_nodes(owner: I64, first: I64, of: I64, ends: I64) -> I64:
    """Numbers of the vertices: the segment's ends, and fresh ones between its pieces."""
    count = len(owner)
    nodes = np.empty((count, 2), np.int64)
    if count == 0:
        return nodes
    opens = np.concatenate([[True], owner[1:] != owner[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    inner = int(ends.max(initial=-1)) + 1 + np.arange(count)
    nodes[:, 0] = np.where(opens, ends[owner, 0], np.roll(inner, 1))
    nodes[:, 1] = np.where(closes, ends[owner, 1], inner)
    return nodes


def _accuracy(segments: pd.DataFrame, points: pd.DataFrame | None) -> tuple[F64, F64]:
    """Plan and height accuracy (s,) of segments, 1 sigma in metres."""
    plan, up = _by_quality(segments)
    if points is None or not len(points):
        return plan, up
    place = rows_of_points(segments, points)
    found = []
    for name, other in (("sigma_xy", plan), ("sigma_z", up)):
        values = np.append(numbers(points, name), np.nan)
        at_ends = values[place]
        poorer = np.where(np.isnan(at_ends[0]), at_ends[1], np.fmax(at_ends[0], at_ends[1]))
        found.append(np.where(np.isnan(poorer), other, poorer))
    return found[0], found[1]


def _by_quality(segments: pd.DataFrame) -> tuple[F64, F64]:
    errors = pipes.accuracy()
    base, seen, hidden = errors["survey"], errors["visible"], errors["hidden"]
    depth = np.fmax(numbers(segments, "from_depth"), numbers(segments, "to_depth"))
    depth = np.nan_to_num(depth)
    level = column(segments, "quality_level").astype(str)
    visible = np.where(depth <= seen["upto"], seen["depth"], seen["beyond"] * depth)
    probed = np.maximum(depth, hidden["least_h"])
    cases = [level == "A", level == "C", level == "B"]
    zero = np.zeros(len(segments))
    plan = np.select(cases, [zero, zero, hidden["xy"] * probed], np.nan)
    up = np.select(cases, [zero, visible, hidden["depth"] * probed], np.nan)
    return np.hypot(plan, base["xy"]), np.hypot(up, base["z"])


def _millimetres(segments: pd.DataFrame, name: str) -> F64:
    values = numbers(segments, name)
    values[~((values > 0) & (values <= _GREATEST_MM))] = np.nan
    return values


def _first(*columns: F64) -> F64:
    """The first value of each row that is known."""
    out = columns[0]
    for values in columns[1:]:
        out = np.where(np.isnan(out), values, out)
    return out
