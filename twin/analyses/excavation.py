"""开挖 excavation ticket: what lies in and near a pit, whose it is, and how to dig there."""

from __future__ import annotations

from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field

from twin.analyses import describe
from twin.analyses.answer import Answer, Note
from twin.analyses.describe import metres
from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework
from twin.analyses.pit import Pit, dig
from twin.analyses.pit_pipes import STATES, ring, sigma, states, zone
from twin.analyses.requests import Request, Ring, polygon
from twin.analyses.section import measure
from twin.drawings.plan import draw_plan
from twin.drawings.section import draw_section
from twin.drawings.ticket import ticket_page

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

#: Largest pit (m²).
LARGEST: Final = 100_000.0


class ExcavationRequest(Request):
    """The pit: its polygon at floor level, depth and sides."""

    polygon: Ring
    depth: Annotated[float, Field(gt=0, le=50, description="metres below the mean ground")]
    slope: Annotated[float, Field(ge=0, le=5, description="metres out per metre up (1:m)")] = 0.0
    working_width: Annotated[
        float, Field(ge=0, le=10, description="metres added around the polygon on the floor")
    ] = 0.0
    margin: Annotated[
        float, Field(ge=0, le=5, description="hand digging beyond surface and 2 sigma, metres")
    ] = 0.5
    ground: Annotated[
        float | None, Field(ge=-500, le=9000, description="ground height if no model has it")
    ] = None


def excavation(pipework: Pipework, request: ExcavationRequest) -> Answer:
    """Pipes in and near a pit, their owners, the hand-dig zones, and the volume to dig.

    ``pipes`` are ordered by ``state``: ``exposed`` (the outer surface is in the pit), ``possible``
    (it is within 2 sigma), ``near`` (within 2 sigma and ``margin``), ``unknown`` (no height),
    ``below`` the floor with its ``clearance``, ``overhead``. ``exposed_length`` is along the pipe
    (m); ``error`` is 2 sigma (95 %) in plan and height; ``hand_dig`` the zone's polygons and
    heights: outer surface + 2 sigma + margin. ``volume`` is the prismoid over the ground (m³, true
    measure).
    Definition: domain reference §4, 开挖量; accuracy §1.9.

    Raises :class:`BadRequestError` for a polygon that cannot be used or is over
    :data:`LARGEST`, and where the ground is unknown.
    """
    outline = polygon(request.polygon, request.crs, pipework.storage)
    if outline.area > LARGEST:
        raise BadRequestError(
            f"The pit covers {outline.area:.0f} m²; at most {LARGEST:.0f} m² are answered. "
            "Divide it.",
            f"开挖面积 {outline.area:.0f} m²，最大 {LARGEST:.0f} m²，请分块。",
        )
    pit = dig(
        outline,
        request.depth,
        request.slope,
        request.working_width,
        pipework.ground.sample,
        pipework.storage,
        request.ground,
    )
    pipes, rows = _pipes(pipework, pit, request.margin)
    result: dict[str, Any] = {
        "polygon": ring(outline),
        "floor": ring(pit.floor),
        "top": ring(pit.top),
        "depth": request.depth,
        "slope": request.slope,
        "working_width": request.working_width,
        "margin": request.margin,
        "ground": dict(zip(("least", "mean", "greatest"), map(metres, pit.ground), strict=True)),
        "floor_height": metres(pit.floor_h),
        "floor_area": metres(pit.floor_area, 2),
        "top_area": metres(pit.top_area, 2),
        "volume": metres(pit.volume, 2),
        "pipes": pipes,
        "owners": _owners(pipes),
    }
    base = describe.answer(pipework, result, rows, _notes(pipework, rows))
    axis = _axis(pit)
    result["section"] = describe.points(axis)

    def draw() -> str:
        return draw_plan(pipework, result, rows)

    def write() -> str:
        return ticket_page(base, draw(), _section(pipework, pit, axis, result), pipework.twin)

    return describe.answer(pipework, result, rows, _notes(pipework, rows), draw=draw, write=write)


def _pipes(pipework: Pipework, pit: Pit, margin: float) -> tuple[list[dict[str, Any]], Rows]:
    body = pipework.bodies
    reach = float(np.nan_to_num(body.half_width).max(initial=0.0)) + margin + 1.0
    piece = np.sort(pipework.tree.query(pit.top, predicate="dwithin", distance=reach))
    if not len(piece):
        return [], np.empty(0, np.int64)
    state, exposed, above_floor = states(pipework, pit, piece, margin)
    owner = body.owner[piece]
    rows, place = np.unique(owner, return_inverse=True)
    worst = np.full(len(rows), len(STATES))
    np.minimum.at(worst, place, state)
    length = np.bincount(place, weights=exposed, minlength=len(rows))
    highest = np.full(len(rows), -np.inf)
    np.maximum.at(highest, place, np.where(np.isnan(above_floor), -np.inf, above_floor))
    kept = np.flatnonzero(worst < len(STATES))
    kept = kept[np.lexsort((rows[kept], worst[kept]))]
    attributes = describe.segments(pipework, rows[kept])
    out = []
    for number, (i, one) in enumerate(zip(kept, attributes, strict=True), 1):
        name = STATES[worst[i]]
        pieces = piece[place == i]
        out.append(
            {
                "number": number,
                "state": name,
                "exposed_length": metres(length[i], 2),
                "clearance": metres(-highest[i]) if name == "below" else None,
                "top_above_floor": metres(highest[i]),
                "error": {
                    "plan": metres(2 * sigma(pipework, pieces, "sigma_xy").max()),
                    "height": metres(2 * sigma(pipework, pieces, "sigma_z").max()),
                    "assumed": bool(np.isnan(body.sigma_z[pieces]).any()),
                },
                "hand_dig": zone(pipework, pit, pieces, margin)
                if name in ("exposed", "possible", "near", "unknown")
                else None,
                "segment": one,
            }
        )
    return out, rows[kept]


def _owners(pipes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who must be asked before digging: owners of all that is not clear of the pit."""
    found: dict[str | None, dict[str, Any]] = {}
    for pipe in pipes:
        if pipe["state"] == "overhead":
            continue
        owner = pipe["segment"].get("owner")
        one = found.setdefault(
            owner, {"owner": owner, "pipes": 0, "exposed_length": 0.0, "classes": []}
        )
        one["pipes"] += 1
        one["exposed_length"] = round(one["exposed_length"] + pipe["exposed_length"], 2)
        code = pipe["segment"].get("class_code")
        if code not in one["classes"]:
            one["classes"].append(code)
    return sorted(found.values(), key=lambda o: (-o["exposed_length"], str(o["owner"])))


def _axis(pit: Pit) -> Array:
    """Ends (2, 2) of the section along the longer axis of the pit, 3 m beyond its rim."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(pit.top))
    sides = np.diff(corners[:3], axis=0)
    size = np.hypot(sides[:, 0], sides[:, 1])
    side = sides[int(np.argmax(size))]
    ahead = side / np.hypot(*side)
    middle = shapely.get_coordinates(shapely.point_on_surface(pit.floor))[0]
    centre = corners[:4].mean(axis=0)
    middle = middle + ahead * float((centre - middle) @ ahead)
    half = (max(size) / 2 + 3.0) * ahead * (1 if ahead[0] >= 0 else -1)
    return np.stack([middle - half, middle + half])


def _section(pipework: Pipework, pit: Pit, ends: Array, result: dict[str, Any]) -> str:
    """Drawing of the section over ``ends``, with the ticket's numbers."""
    found, outlines, _, _ = measure(pipework, ends)
    numbers = {p["segment"]["id"]: p["number"] for p in result["pipes"]}
    for pipe in found["pipes"]:
        pipe["number"] = numbers.get(pipe["segment"]["id"], "–")
    line = shapely.LineString(ends)
    spans = [shapely.intersection(line, shape) for shape in (pit.floor, pit.top)]
    (f0, f1), (t0, t1) = (_span(line, span) for span in spans)
    level = pit.ground[1]
    outline = [(t0, level), (f0, pit.floor_h), (f1, pit.floor_h), (t1, level)]
    return draw_section(
        found,
        outlines,
        describe.datum(pipework),
        describe.revisions(pipework),
        room=160.0,
        pit=outline,
        listed=False,
        title="A–A′ 剖面图",
    )


def _span(line: shapely.LineString, part: shapely.Geometry) -> tuple[float, float]:
    xy = shapely.get_coordinates(part)
    at = np.atleast_1d(shapely.line_locate_point(line, shapely.points(xy)))
    return (float(at.min()), float(at.max())) if len(at) else (0.0, 0.0)


def _notes(pipework: Pipework, rows: Rows) -> list[Note]:
    notes = [
        Note(
            "OWNER-CONTACT",
            "数据中只有权属单位名称，无联系方式；开挖前须向权属单位核实并现场探测。",
            "The data name owners without contact details: ask the owners and locate the pipes on "
            "site before digging.",
        ),
        Note(
            "NOT-COMPLETE",
            "仅列出已入库管线；未测、未报的管线不在其中。",
            "Only pipes that are stored are listed; what was never surveyed is not among them.",
        ),
    ]
    pieces = pipework.pieces_of(rows)
    body = pipework.bodies
    missing = np.isnan(body.sigma_xy[pieces]) | np.isnan(body.sigma_z[pieces])
    if missing.any():
        notes.append(
            Note(
                "SIGMA-ASSUMED",
                "部分管线无测量精度，按 1 m 深隐蔽点中误差（平面 0.07 m、高程 0.08 m）取值。",
                "Some pipes have no stated accuracy; the mean error of a hidden point 1 m deep is "
                "taken (0.07 m in plan, 0.08 m in height).",
            )
        )
    return notes
