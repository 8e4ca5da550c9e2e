"""Pipe segments as solids: centre lines in ENU, sizes, and their triangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from tiles.content import F64
from tiles.mesh import profile
from tiles.mesh.path import RESOLUTION
from tiles.mesh.profile import Profile
from tiles.mesh.ragged import I64, bounds, starts_of, take
from tiles.mesh.surface import Surface, join
from tiles.mesh.tube import paths, sweep
from tiles.tilers.columns import Frame, column
from tiles.tilers.frame import LocalFrame
from tiles.tilers.pipe_sizes import Sizes
from tiles.tilers.refusals import Verdicts
from tiles.tilers.style import Style

#: Reach of a mitre beyond the half-size: turns up to 120° are mitred, and 1 / cos(60°) = 2; a box
#: has its corners √2 away, and its height is stretched by up to √2 on a slope.
_MITRE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Lines:
    """Centre lines of s segments: ``enu`` (n, 3) with ``starts`` (s + 1), and ``height`` (n,), the
    1985 height of each vertex. A segment that cannot be drawn has no vertices."""

    enu: F64
    height: F64
    starts: I64


def lines(segments: Frame, frame: LocalFrame, verdicts: Verdicts) -> Lines:
    """Centre lines of ``segments``, refusing those without a line of some length."""
    count = len(segments)
    geoms = column(segments, "geom")
    geoms[~shapely.is_geometry(geoms)] = None
    empty = shapely.is_missing(geoms) | shapely.is_empty(geoms)
    verdicts.refuse(empty, "GEO-EMPTY")
    verdicts.refuse(~empty & (shapely.get_type_id(geoms) != 1), "GEO-TYPE")
    geoms[~verdicts.sound] = None
    xyz, of = shapely.get_coordinates(geoms, include_z=True, return_index=True)
    enu = frame.enu(*xyz.T)
    lost = np.zeros(count, bool)
    lost[of[np.isnan(enu[:, 0])]] = True
    verdicts.refuse(lost, "GEO-FINITE")
    step = np.linalg.norm(np.diff(enu, axis=0), axis=1)
    long = (step >= RESOLUTION) & (of[1:] == of[:-1])
    verdicts.refuse(np.bincount(of[1:][long], minlength=count) == 0, "GEO-LENGTH")
    kept = verdicts.sound[of]
    starts = starts_of(np.bincount(of[kept], minlength=count))
    return Lines(enu[kept], xyz[kept, 2], starts)


def form_of(size: Sizes, style: Style) -> npt.NDArray[np.int64]:
    """Which cross-section each segment has: sides of a circle, 4 for a box, 0 for an egg."""
    limits = np.array([limit for limit, _ in style["sides"]], dtype=float)
    sides = np.array([count for _, count in style["sides"]], dtype=np.int64)
    out: npt.NDArray[np.int64] = sides[np.searchsorted(limits, size.width * 1000)]
    out[np.isin(size.shape.astype(str), ["rect", "bank"])] = 4
    out[size.shape == "egg"] = 0
    return out


def solids(line: Lines, size: Sizes, form: I64, rows: I64, place: I64) -> Surface:
    """Solids of the segments ``rows`` (k,); ``place`` (k,) are their rows of the property table."""
    found = []
    for kind in np.unique(form[rows]):
        of = form[rows] == kind
        some = rows[of]
        points, starts = paths(line.enu, line.starts, some)
        found.append(
            sweep(
                points,
                starts,
                size.width[some] / 2,
                size.height[some] / 2,
                _section(int(kind)),
                place[of].astype(np.uint32),
                upright=kind in (0, 4),
            )
        )
    return join(found)


def boxes(line: Lines, size: Sizes, rows: I64) -> F64:
    """Boxes (k, 6) that hold the solids of ``rows``."""
    points, starts = paths(line.enu, line.starts, rows)
    out = bounds(points, starts)
    reach = reaches(size, np.diff(starts) > 2, rows)[:, None]
    out[:, :3] -= reach
    out[:, 3:] += reach
    return out


def reaches(size: Sizes, bent: npt.NDArray[np.bool_], rows: I64 | slice) -> F64:
    """How far (k,) the solids of ``rows`` reach from their centre lines at most, m."""
    half = np.maximum(size.width, size.height)[rows] / 2
    out: F64 = np.where(bent, _MITRE, 1.5) * half
    return out


def pieces(line: Lines, rows: I64) -> tuple[I64, I64]:
    """The first vertex of each straight piece of the segments ``rows`` (k,), and starts (k + 1)."""
    vertices, starts = take(line.starts, rows)
    ends = starts[1:] - 1
    return np.delete(vertices, ends), starts - np.arange(len(starts))


def counts(straight: I64, form: I64) -> tuple[I64, I64]:
    """Vertices and triangles (k,) of solids of ``straight`` pieces (k,), if no line is cut or has
    repeated points."""
    sides = np.where(form == 0, 16, form)
    doubled = np.where(form == 4, 2, 1)
    vertices = 2 * sides * doubled * straight + 2 * sides
    return vertices, 2 * sides * straight + 2 * (sides - 2)


def _section(kind: int) -> Profile:
    if kind == 0:
        return profile.egg()
    return profile.box() if kind == 4 else profile.circle(kind)
