"""横断面图: the drawing of a cross-section, equal scales along and up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from twin.drawings.common import (
    Outlines,
    class_colour,
    class_name,
    fitting_scale,
    foot,
    heights_axis,
    legend,
    scale_bar,
    spread,
    table,
    tag,
)
from twin.drawings.sheet import Sheet, text_width

_LEFT, _RIGHT, _TOP = 18.0, 10.0, 26.0
#: Longest drawn section (mm) where the scale is not asked for: A3 across.
_ROOM: Final = 380.0
_COLUMNS: Final = (
    ("号", 8.0),
    ("类别", 26.0),
    ("规格", 18.0),
    ("材质", 18.0),
    ("位置 m", 15.0),
    ("中心高程", 17.0),
    ("管顶高程", 17.0),
    ("覆土 m", 14.0),
    ("测深 m", 24.0),
    ("权属单位", 43.0),
)
_MEASURED: Final = {"top": "顶", "invert": "内底", "centre": "中心"}


def draw_section(
    result: dict[str, Any],
    outlines: Outlines,
    datum: dict[str, Any],
    revisions: Sequence[dict[str, Any]],
    scale: int | None = None,
    *,
    room: float = _ROOM,
    pit: Sequence[tuple[float, float]] = (),
    listed: bool = True,
    title: str = "横断面图",
) -> str:
    """SVG of what :func:`twin.analyses.section.section` found; ``outlines`` are (s, z) in metres.

    The sheet is as large as the drawing needs at 1:``scale``, by default the largest that fits
    ``room`` mm. Pipes without a size are crosses, pipes without a height dashed lines from the
    ground. ``pit`` is the outline of an excavation; ``listed`` adds the table of pipes, legend and
    foot.
    """
    scale = scale or fitting_scale(result["length"], room)
    per = 1000.0 / scale
    low, high = _range(result, outlines, [z for _, z in pit])
    head = f"{title}  1:{scale}（横、竖同比例）"
    width = max(
        _LEFT + result["length"] * per + _RIGHT,
        _LEFT + text_width(head, 4.2) + 84,  # the scale bar stands behind it
        _LEFT + sum(w for _, w in _COLUMNS) + 10 if listed else 130.0,
    )
    base = _TOP + 8 + (high - low) * per
    rows = [_row(pipe) for pipe in result["pipes"]]
    notes = foot(datum, revisions, result["ground"]["zh"])
    codes = [p["segment"].get("class_code") for p in (*result["pipes"], *result["along"])]
    height = base + 9
    if listed:
        height += (len(rows) + 1) * 4.6 + 14 + 4 * len(notes)
    sheet = Sheet(width, height, title)
    sheet.text(_LEFT, 8, head, 4.2)
    scale_bar(sheet, width - 78, 9, scale)
    heights_axis(sheet, _LEFT, low, high, per, base, _LEFT + result["length"] * per)

    def at(s: float, z: float) -> tuple[float, float]:
        return _LEFT + s * per, base - (z - low) * per

    if pit:
        sheet.shape(
            [at(s, z) for s, z in pit],
            fill="#f4e3c1",
            fill_opacity=0.6,
            stroke="#b00020",
            stroke_width=0.35,
        )
    _ground_line(sheet, result, at)
    _alongs(sheet, result, at, per)
    _cuts(sheet, result, _clipped(outlines, result["length"]), at, low)
    _tags(sheet, result, at, low)
    _stations(sheet, result["length"], at, low, base)
    if not listed:
        return sheet.svg()
    y = table(sheet, _LEFT, base + 10, _COLUMNS, rows)
    y = legend(sheet, codes, _LEFT, y + 6, width - _LEFT - _RIGHT)
    for i, text in enumerate(notes):
        sheet.text(_LEFT, y + 1.5 + 4 * i, text, 2.4, fill="#444")
    return sheet.svg()


def _range(
    result: dict[str, Any], outlines: Outlines, more: Sequence[float]
) -> tuple[float, float]:
    values = [*more]
    values += [z for _, z in result["ground"]["profile"] if z is not None]
    values += [float(v) for o in outlines if len(o) for v in (o[:, 1].min(), o[:, 1].max())]
    values += [p["z"] for p in result["pipes"] if p["z"] is not None]
    values += [z for a in result["along"] for z in a["z"] if z is not None]
    if not values:
        return 0.0, 1.0
    return math.floor(min(values) - 0.3), math.ceil(max(values) + 0.3)


def _row(pipe: dict[str, Any]) -> list[object]:
    segment = pipe["segment"]
    depth = _metres(pipe["depth"])
    measured = _MEASURED.get(pipe["depth_measured_to"], "")
    return [
        pipe["number"],
        class_name(segment.get("class_code")),
        segment["size"] or "不详",
        segment.get("material") or "不详",
        _metres(pipe["s"]),
        _metres(pipe["z"]),
        _metres(pipe["top"]),
        _metres(pipe["cover"]),
        f"{depth}（{measured}）" if measured and pipe["depth"] is not None else depth,
        segment.get("owner") or "不详",
    ]


def _metres(value: float | None) -> str:
    return "不详" if value is None else f"{value:.2f}"


def _ground_line(sheet: Sheet, result: dict[str, Any], at: Any) -> None:
    run: list[tuple[float, float]] = []
    for s, z in (*result["ground"]["profile"], (0.0, None)):
        if z is not None:
            run.append(at(s, z))
        elif run:
            sheet.line(run, stroke="#6b4f2a", stroke_width=0.5)
            run = []


def _alongs(sheet: Sheet, result: dict[str, Any], at: Any, per: float) -> None:
    for along in result["along"]:
        if None in along["z"]:
            continue
        rgb = class_colour(along["segment"].get("class_code"))
        (x0, y0), (x1, y1) = (at(s, z) for s, z in zip(along["s"], along["z"], strict=True))
        half = (along["half_z"] or 0.0) * per
        if half:
            corners = [(x0, y0 - half), (x1, y1 - half), (x1, y1 + half), (x0, y0 + half)]
        else:
            corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        sheet.shape(
            corners,
            fill=rgb,
            fill_opacity=0.18,
            stroke=rgb,
            stroke_width=0.25,
            stroke_dasharray="2 1",
        )


def _clipped(outlines: Outlines, length: float) -> list[npt.NDArray[np.float64]]:
    """Only what is over the line is drawn; pipes cut at its very ends reach beyond it."""
    window = shapely.box(0.0, -1e5, length, 1e5)
    return [
        shapely.get_coordinates(shapely.intersection(shapely.Polygon(o), window))
        if len(o) and (o[:, 0].min() < 0 or o[:, 0].max() > length)
        else o
        for o in outlines
    ]


def _cuts(sheet: Sheet, result: dict[str, Any], outlines: Outlines, at: Any, low: float) -> None:
    for pipe, outline in zip(result["pipes"], outlines, strict=True):
        rgb = class_colour(pipe["segment"].get("class_code"))
        if len(outline):
            sheet.shape(
                [at(s, z) for s, z in outline],
                fill=rgb,
                fill_opacity=0.55,
                stroke="#222",
                stroke_width=0.2,
            )
        if pipe["z"] is None:
            top = low if pipe["ground"] is None else pipe["ground"]
            sheet.line(
                [at(pipe["s"], top), at(pipe["s"], low)],
                stroke=rgb,
                stroke_width=0.3,
                stroke_dasharray="1.5 1.5",
            )
            continue
        if not 0 <= pipe["s"] <= result["length"]:
            continue
        x, y = at(pipe["s"], pipe["z"])
        size = 0.6 if len(outline) else 1.4
        for a, b in ((1, 1), (1, -1)):
            sheet.line(
                [(x - size * a, y - size * b), (x + size * a, y + size * b)],
                stroke="#222",
                stroke_width=0.15,
            )


def _tags(sheet: Sheet, result: dict[str, Any], at: Any, low: float) -> None:
    """Numbers in a row above the ground, each with a leader to the top of its pipe."""
    pipes = result["pipes"]
    stations = [min(max(p["s"], 0.0), result["length"]) for p in pipes]
    wanted = [at(s, low)[0] for s in stations]
    places = spread(wanted, 5.2, _LEFT + 2, max(at(result["length"], low)[0], sheet.width - 12))
    for pipe, s, x in zip(pipes, stations, places, strict=True):
        rgb = class_colour(pipe["segment"].get("class_code"))
        level = next((pipe[k] for k in ("top", "z", "ground") if pipe[k] is not None), low)
        end = at(s, level)
        sheet.line([(x, _TOP - 4), (end[0], _TOP + 4), end], stroke="#555", stroke_width=0.12)
        tag(sheet, x, _TOP - 6, pipe["number"], rgb)


def _stations(sheet: Sheet, length: float, at: Any, low: float, base: float) -> None:
    """Distances along the section below the drawing."""
    per = at(1.0, low)[0] - at(0.0, low)[0]
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200) if s * per >= 10), 500)
    x0, x1 = at(0.0, low)[0], at(length, low)[0]
    sheet.line([(x0, base + 2), (x1, base + 2)], stroke="#333", stroke_width=0.25)
    stations = [float(i * step) for i in range(int(length // step) + 1)]
    if (length - stations[-1]) * per >= 9:
        stations.append(length)
    for s in stations:
        x = at(s, low)[0]
        sheet.line([(x, base + 2), (x, base + 3.2)], stroke="#333", stroke_width=0.2)
        sheet.text(x, base + 6.2, f"{s:g}", 2.4, "middle")
