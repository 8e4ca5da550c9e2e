"""横断面 cross-section: the vertical plane over a line, and every pipe that it cuts."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field

from twin.analyses import describe, heights
from twin.analyses.answer import Answer, Note
from twin.analyses.cuts import Alongs, Cuts, cut
from twin.analyses.describe import metres
from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework
from twin.analyses.requests import Line, Request, line
from twin.drawings.section import draw_section

Array = npt.NDArray[np.float64]

#: Longest section (m): a cross-section is of a road, not of a district.
LONGEST: Final = 2000.0
#: Pipes cut more than this from square stretch the shapes noticeably (cos 10°).
_SQUARE_COS: Final = float(np.cos(np.radians(10.0)))
_STEP: Final = 0.5


class SectionRequest(Request):
    """``line`` runs across the road, seen from its first position towards its last."""

    line: Line
    scale: Literal[20, 50, 100, 200, 250, 500, 1000, 2000, 5000] | None = Field(
        default=None, description="drawing scale 1:n; by default the largest that fits the sheet"
    )


def section(pipework: Pipework, request: SectionRequest) -> Answer:
    """All pipes cut by the vertical plane(s) on a line, in order along it.

    For each: ``s`` from the line's start (m, plan of the storage CRS), ``z`` of the centre, outer
    half extents ``half_s`` and ``half_z`` of the exact oblique cut (ellipse a = r / |cos θ| for
    round pipes, parallelogram for boxes, tilted where the pipe slopes), ``crossing_angle`` from
    square in degrees, heights, cover, depth as the class measures it, and the segment's attributes.
    Pipes within 5° of the plane are listed under ``along`` with their band in the plane.
    ``clearances`` are net distances of neighbouring outlines in the plane: horizontal, vertical and
    least; negative where they overlap. Definition: domain reference §4, 横断面.

    Raises :class:`BadRequestError` for a line without length or longer than :data:`LONGEST`.
    """
    vertices = line(request.line, request.crs, pipework.storage)
    result, outlines, rows, cuts = measure(pipework, vertices)

    def draw() -> str:
        return draw_section(
            result, outlines, describe.datum(pipework), describe.revisions(pipework), request.scale
        )

    return describe.answer(pipework, result, rows, _notes(cuts, pipework), draw=draw)


def measure(
    pipework: Pipework, vertices: Array
) -> tuple[dict[str, Any], list[Array], npt.NDArray[np.int64], Cuts]:
    """Result of the section over ``vertices`` (n, 2), outlines (s, z) of its pipes, the segment
    rows it met, and the cuts. Raises as :func:`section`."""
    legs = np.stack([vertices[:-1], vertices[1:]], axis=1)
    lengths = np.hypot(*(legs[:, 1] - legs[:, 0]).T)
    total = float(lengths.sum())
    if total > LONGEST:
        raise BadRequestError(
            f"The section is {total:.0f} m long; at most {LONGEST:.0f} m are drawn. Shorten it.",
            f"断面线长 {total:.0f} m，最长 {LONGEST:.0f} m，请缩短。",
        )
    offset = np.r_[0.0, np.cumsum(lengths)]
    cuts, alongs = cut(pipework, legs)
    cuts = _inner(cuts, lengths)
    s = cuts.s + offset[cuts.leg]
    order = np.argsort(s, kind="stable")
    cuts, s = cuts.take(order), s[order]
    outlines = [
        shape + np.array([offset[leg], 0.0])
        for shape, leg in zip(cuts.outlines(), cuts.leg, strict=True)
    ]
    place = shapely.line_interpolate_point(shapely.linestrings(vertices), np.clip(s, 0, total))
    ground_at = pipework.ground.sample(shapely.get_x(place), shapely.get_y(place))
    found = heights.at(pipework, cuts.piece, cuts.t, ground_at)
    result: dict[str, Any] = {
        "line": describe.points(vertices),
        "length": metres(total),
        "ground": _ground(pipework, vertices, total),
        "pipes": _pipes(pipework, cuts, s, found, describe.points(_xy(place))),
        "along": _along(pipework, alongs, offset),
        "clearances": _clearances(s, cuts, outlines),
    }
    return result, outlines, np.concatenate([cuts.row, alongs.row]), cuts


def _inner(cuts: Cuts, lengths: Array) -> Cuts:
    """Beyond the ends of a leg only the ends of the whole line count."""
    low = (cuts.leg == 0) | (cuts.s >= 0)
    high = (cuts.leg == len(lengths) - 1) | (cuts.s < lengths[cuts.leg])
    return cuts.take(low & high)


def _xy(place: npt.NDArray[np.object_]) -> Array:
    return np.column_stack([shapely.get_x(place), shapely.get_y(place)])


def _ground(pipework: Pipework, vertices: Array, total: float) -> dict[str, Any]:
    s = np.unique(np.r_[np.linspace(0, total, max(2, int(np.ceil(total / _STEP)) + 1)), total])
    xy = _xy(shapely.line_interpolate_point(shapely.linestrings(vertices), s))
    z = pipework.ground.sample(xy[:, 0], xy[:, 1])
    ground = pipework.ground
    return {
        "source": ground.source,
        "zh": ground.zh,
        "en": ground.en,
        "profile": [[metres(a), metres(b)] for a, b in zip(s, z, strict=True)],
    }


def _pipes(
    pipework: Pipework,
    cuts: Cuts,
    s: Array,
    found: heights.Heights,
    positions: list[list[float | None]],
) -> list[dict[str, Any]]:
    attributes = describe.segments(pipework, cuts.row)
    return [
        {
            "number": i + 1,
            "s": metres(s[i]),
            "z": metres(cuts.z[i]),
            "position": positions[i],
            "half_s": metres(cuts.half_s[i]),
            "half_z": metres(cuts.half_z[i]),
            "crossing_angle": round(float(np.degrees(np.arccos(min(cuts.cos[i], 1.0)))), 2) + 0.0,
            "section": "box" if cuts.box[i] else "ellipse",
            "top": metres(found.top[i]),
            "bottom": metres(found.bottom[i]),
            "invert": metres(found.invert[i]),
            "ground": metres(found.ground[i]),
            "cover": metres(found.cover[i]),
            "depth": metres(found.depth[i]),
            "depth_measured_to": found.depth_ref[i],
            "segment": attributes[i],
        }
        for i in range(len(cuts))
    ]


def _along(pipework: Pipework, alongs: Alongs, offset: Array) -> list[dict[str, Any]]:
    attributes = describe.segments(pipework, alongs.row)
    return [
        {
            "s": [metres(v + offset[alongs.leg[i]]) for v in alongs.s[i]],
            "z": [metres(v) for v in alongs.z[i]],
            "off_plane": metres(alongs.off[i]),
            "half_z": metres(alongs.half_z[i]),
            "segment": attributes[i],
        }
        for i in range(len(alongs.row))
    ]


def _clearances(s: Array, cuts: Cuts, outlines: list[Array]) -> list[dict[str, Any]]:
    """Net distances of neighbours: next along the line, and next above or below one another."""
    pairs = _neighbours(s, cuts)
    shapes = [shapely.Polygon(o) if len(o) else None for o in outlines]
    out = []
    for a, b in pairs:
        sides = s[b] - s[a] - cuts.half_s[a] - cuts.half_s[b]
        levels = abs(cuts.z[b] - cuts.z[a]) - cuts.half_z[a] - cuts.half_z[b]
        least = float(shapely.distance(shapes[a], shapes[b])) if shapes[a] and shapes[b] else np.nan
        out.append(
            {
                "a": int(a) + 1,
                "b": int(b) + 1,
                "horizontal": metres(sides),
                "vertical": metres(levels),
                "least": metres(least),
                "above": int(a if cuts.z[a] > cuts.z[b] else b) + 1
                if np.isfinite(cuts.z[a] + cuts.z[b])
                else None,
            }
        )
    return out


def _neighbours(s: Array, cuts: Cuts) -> list[tuple[int, int]]:
    """Pairs (a before b in s): each with the next in s, and with the nearest above and below of
    those whose extents along s overlap its own."""
    count = len(s)
    pairs = {(i, i + 1) for i in range(count - 1)}
    low, high = s - np.nan_to_num(cuts.half_s), s + np.nan_to_num(cuts.half_s)
    for i in range(count):
        over = np.flatnonzero((low <= high[i]) & (high >= low[i]) & (np.arange(count) != i))
        rise = cuts.z[over] - cuts.z[i]
        for side in (rise >= 0, rise < 0):
            if side.any():
                j = int(over[side][np.argmin(np.abs(rise[side]))])
                pairs.add((min(i, j), max(i, j)))
    return sorted(pairs)


def _notes(cuts: Cuts, pipework: Pipework) -> list[Note]:
    notes = [
        Note(
            "PLANE-DISTANCE",
            "净距为断面内外壁间距离；斜切时横向值大于真实最小净距，判定请用水平、垂直净距分析。",
            "Distances are between outlines in the section plane; where pipes are cut at an angle "
            "the horizontal ones exceed the true least clearance: judge with the clearance "
            "analyses.",
        )
    ]
    oblique = int((cuts.cos < _SQUARE_COS).sum())
    if oblique:
        notes.append(
            Note(
                "OBLIQUE",
                f"{oblique} 条管线与断面斜交超过 10°，断面形状按交角拉伸。",
                f"{oblique} pipes are cut more than 10° from square; their outlines are stretched "
                "by the angle.",
            )
        )
    if pipework.ground.source != "terrain":
        notes.append(
            Note(
                "GROUND",
                f"地面线来源：{pipework.ground.zh}。",
                f"The ground line is {pipework.ground.en}.",
            )
        )
    return notes
