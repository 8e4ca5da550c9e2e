"""平面图: pipes around an excavation in plan, north up, right in scale."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from twin.analyses.pipework import Pipework
from twin.drawings.common import SCALES, class_colour, scale_bar, tag
from twin.drawings.sheet import Sheet

_WIDTH, _HEIGHT, _MARGIN = 186.0, 124.0, 12.0
_AROUND: Final = 4.0
Place = npt.NDArray[np.float64]
#: Where a number stands on the paper (mm), the number, its colour.
Label = tuple[Place, int, str]
_FILLS: Final = {"exposed": "#d0021b", "possible": "#e07b00", "near": "#e0b000", "unknown": "#777"}


def draw_plan(pipework: Pipework, result: dict[str, Any], rows: npt.NDArray[np.int64]) -> str:
    """SVG of an excavation: floor and rim of the pit, hand-dig zones, pipes at their true width.

    ``result`` is that of :func:`twin.analyses.excavation.excavation`; ``rows`` are the segment rows
    of its pipes, in their order. North is up in the grid of the storage CRS.
    """
    rim = np.array(result["top"])
    low, high = rim.min(axis=0) - _AROUND, rim.max(axis=0) + _AROUND
    room = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    scale = next(
        (n for n in SCALES if ((high - low) * 1000 / n <= room).all()),
        SCALES[-1],
    )
    per = 1000.0 / scale
    middle = (low + high) / 2
    low = middle - np.array(room) / per / 2
    high = middle + np.array(room) / per / 2
    window = shapely.box(*low, *high)
    sheet = Sheet(_WIDTH, _HEIGHT, "开挖平面图")

    def at(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(
            [_MARGIN + (xy[:, 0] - low[0]) * per, _HEIGHT - _MARGIN - (xy[:, 1] - low[1]) * per]
        )

    _grid(sheet, low, high, per, at)
    for pipe in result["pipes"]:
        zone = pipe["hand_dig"]
        for ring in zone["polygons"] if zone else ():
            fill = _FILLS.get(pipe["state"], "#777")
            sheet.shape(at(np.array(ring)), fill=fill, fill_opacity=0.14, stroke="none")
    labels = _pipes(sheet, pipework, result, rows, window, at, per)
    sheet.shape(at(rim), fill="none", stroke="#b00020", stroke_width=0.3, stroke_dasharray="2 1")
    sheet.shape(at(np.array(result["floor"])), fill="none", stroke="#b00020", stroke_width=0.45)
    axis = at(np.array(result["section"]))
    sheet.line(axis, stroke="#111", stroke_width=0.25, stroke_dasharray="5 1 1 1")
    for (x, y), letter, anchor in zip(axis, ("A", "A′"), ("end", "start"), strict=True):
        sheet.text(x, y - 1, letter, 3, anchor)
    for (x, y), number, rgb in labels:  # over the lines of the pit
        tag(sheet, x, y, number, rgb)
    sheet.box(_MARGIN, _MARGIN, *room, fill="none", stroke="#222", stroke_width=0.25)
    sheet.text(_MARGIN, 7.5, f"平面图  1:{scale}", 3.6)
    _north(sheet, _WIDTH - _MARGIN - 5, _MARGIN + 3)
    scale_bar(sheet, _WIDTH - 80, 9, scale)
    return sheet.svg()


def _grid(sheet: Sheet, low: Any, high: Any, per: float, at: Any) -> None:
    """Coordinate marks on the frame: east below, north at the left."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if s * per >= 25)
    for east in np.arange(np.ceil(low[0] / step) * step, high[0], step):
        x = at(np.array([[east, low[1]]]))[0, 0]
        sheet.line([(x, _MARGIN), (x, _HEIGHT - _MARGIN)], stroke="#ddd", stroke_width=0.1)
        sheet.text(x, _HEIGHT - _MARGIN + 3.6, f"{east:.0f}", 2.2, "middle")
    for north in np.arange(np.ceil(low[1] / step) * step, high[1], step):
        y = at(np.array([[low[0], north]]))[0, 1]
        sheet.line([(_MARGIN, y), (_WIDTH - _MARGIN, y)], stroke="#ddd", stroke_width=0.1)
        sheet.text(_MARGIN - 1.5, y, f"{north:.0f}", 2.2, "middle", turn=-90)


def _pipes(
    sheet: Sheet,
    pipework: Pipework,
    result: dict[str, Any],
    rows: npt.NDArray[np.int64],
    window: shapely.Polygon,
    at: Any,
    per: float,
) -> list[Label]:
    """Pipes clipped to the window, and a label for each concerned one: its place, number, colour.

    A number stands inside the pit where there is room, else anywhere on its pipe.
    """
    numbers = {int(r): p["number"] for r, p in zip(rows, result["pipes"], strict=True)}
    pieces = pipework.tree.query(window, predicate="intersects")
    owners = np.unique(pipework.bodies.owner[pieces])
    rim = shapely.Polygon(result["top"])
    codes = pipework.segments["class_code"].to_numpy(object)
    labels: list[Label] = []
    for row in owners:
        rgb = class_colour(codes[row])
        own = pipework.pieces_of([row])
        width = 2 * np.nan_to_num(pipework.bodies.half_width[own[0]]) * per
        lines = shapely.intersection(pipework.plan[own], window)
        for part in shapely.get_parts(lines[~shapely.is_empty(lines)]):
            if part.geom_type != "LineString":
                continue
            points = at(shapely.get_coordinates(part))
            if width > 0.5:
                sheet.line(points, stroke=rgb, stroke_width=round(width, 3), stroke_opacity=0.35)
            sheet.line(points, stroke=rgb, stroke_width=0.35)
        if int(row) in numbers:
            whole = _longest(lines)
            inside = _longest(shapely.intersection(lines, rim))
            place = _free([line for line in (inside, whole) if line is not None], at, labels)
            if place is not None:
                labels.append((place, numbers[int(row)], rgb))
    return labels


def _longest(lines: npt.NDArray[np.object_]) -> shapely.LineString | None:
    """The longest line that pieces make together; None without one."""
    merged = shapely.get_parts(shapely.line_merge(shapely.union_all(lines)))
    return max((p for p in merged if p.geom_type == "LineString"), key=shapely.length, default=None)


def _free(lines: list[shapely.LineString], at: Any, labels: list[Label]) -> Place | None:
    """A place on the first of the lines that has one clear of other labels, else the middle of the
    first; None without lines."""
    others = np.array([place for place, *_ in labels]).reshape(-1, 2)
    shares = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9]
    middle = None
    for line in lines:
        places = at(
            shapely.get_coordinates(shapely.line_interpolate_point(line, shares, normalized=True))
        )
        for place in places:
            if not len(others) or np.hypot(*(others - place).T).min() > 4.8:
                return np.asarray(place)
        middle = places[0] if middle is None else middle
    return middle


def _north(sheet: Sheet, x: float, y: float) -> None:
    sheet.shape([(x, y), (x - 2, y + 8), (x, y + 6.4)], fill="#222")
    sheet.shape(
        [(x, y), (x + 2, y + 8), (x, y + 6.4)], fill="#fff", stroke="#222", stroke_width=0.2
    )
    sheet.text(x, y + 11.2, "北 N", 2.6, "middle")
