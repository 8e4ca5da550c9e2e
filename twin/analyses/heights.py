"""Heights of a segment at places along it: invert, outer top and bottom, depth as surveyed.

What a survey's depth is measured to depends on the class (domain reference §1.8): the inner bottom
of gravity pipes and trenches, the outer top of pressure pipes, cables and duct banks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from models import pipes
from twin.analyses.pipework import Pipework, numbers, words

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Heights:
    """n places on segments, metres of 1985 heights: ``centre``, outer ``top`` and ``bottom``,
    ``invert`` (inner bottom), ``ground``; ``cover`` from ground to outer top; ``depth`` as a survey
    gives it for the class, from ground to what ``depth_ref`` (top, invert or centre) names."""

    centre: Array
    top: Array
    bottom: Array
    invert: Array
    ground: Array
    cover: Array
    depth: Array
    depth_ref: npt.NDArray[np.object_]


def at(pipework: Pipework, piece: Rows, t: Array, ground: Array) -> Heights:
    """Heights at place ``t`` (0..1) of each ``piece``, under ground heights ``ground``.

    Top and bottom are those of a level cross-section: centre ± half the outer height.
    """
    body = pipework.bodies
    row = body.owner[piece]
    place = body.start[piece] + t[:, None] * (body.end[piece] - body.start[piece])
    centre, half = place[:, 2], body.half_height[piece]
    ref = depth_refs(pipework, row)
    top, bottom = centre + half, centre - half
    invert = _invert(pipework, row, place, centre)
    depth = ground - np.select([ref == "invert", ref == "centre"], [invert, centre], top)
    return Heights(centre, top, bottom, invert, ground, ground - top, depth, ref)


def depth_refs(pipework: Pipework, rows: Rows) -> npt.NDArray[np.object_]:
    """What the depth of each segment is measured to: its own word, else that of its class."""
    table = pipework.segments.iloc[rows]
    known = pipes.classes()
    own = words(table, "depth_ref")
    return np.array(
        [
            ref or (known[code].depth_ref if code in known else "top")
            for ref, code in zip(own, words(table, "class_code"), strict=True)
        ],
        dtype=object,
    )


def _invert(pipework: Pipework, rows: Rows, place: Array, centre: Array) -> Array:
    """Between the surveyed inverts of both ends; where one is missing, half the inner height below
    the centre."""
    table = pipework.segments.iloc[rows]
    first, last = numbers(table, "from_invert_h"), numbers(table, "to_invert_h")
    lines = table["geom"].to_numpy(object)
    along = shapely.line_locate_point(lines, shapely.points(place[:, :2]), normalized=True)
    along = np.nan_to_num(along)
    inner = numbers(table, "id_mm")
    for name in ("height_mm", "width_mm", "od_mm"):
        inner = np.where(np.isnan(inner), numbers(table, name), inner)
    surveyed = first + along * (last - first)
    return np.where(np.isnan(surveyed), centre - inner / 2000, surveyed)
