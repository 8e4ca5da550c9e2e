"""纵断面图: the drawing of a longitudinal profile, heights exaggerated by a stated factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from twin.drawings.common import (
    Outlines,
    class_colour,
    class_name,
    fitting_scale,
    foot,
    heights_axis,
    legend,
    shorten,
    spread,
    table,
    tag,
)
from twin.drawings.sheet import Sheet, text_width

_LEFT, _RIGHT, _TOP = 30.0, 14.0, 28.0
_ROOM: Final = 370.0
#: Rows of the band below the drawing: title, height in mm.
_BAND: Final = (
    ("地面高程", 13.0),
    ("管内底高程", 13.0),
    ("埋深 m", 11.0),
    ("管径材质", 6.0),
    ("坡度‰/长度m", 6.0),
    ("里程 m", 13.0),
    ("点号", 16.0),
)
_COLUMNS: Final = (
    ("交叉", 10.0),
    ("类别", 26.0),
    ("规格", 18.0),
    ("里程 m", 17.0),
    ("中心高程", 18.0),
    ("上/下", 12.0),
    ("竖向净距 m", 20.0),
    ("交角°", 14.0),
    ("权属单位", 50.0),
)


def draw_profile(
    result: dict[str, Any],
    outlines: Outlines,
    datum: dict[str, Any],
    revisions: Sequence[dict[str, Any]],
    scale: int | None = None,
    vertical_scale: int | None = None,
) -> str:
    """SVG of what :func:`twin.analyses.profile.profile` found.

    ``outlines`` are the crossings' shapes in (chainage, z), metres; the heights are drawn at
    1:``vertical_scale``, by default a tenth of the scale along, and both are written on the sheet.
    """
    scale = scale or fitting_scale(max(result["length"], 1.0), _ROOM, 100)
    upright = vertical_scale or max(scale // 10, 20)
    along, up = 1000.0 / scale, 1000.0 / upright
    low, high = _range(result, outlines)
    band = sum(height for _, height in _BAND)
    base = _TOP + (high - low) * up
    drawn = result["length"] * along
    width = max(_LEFT + drawn + _RIGHT, _LEFT + sum(w for _, w in _COLUMNS) + 10)
    rows = [_row(c) for c in result["crossings"]]
    notes = foot(datum, revisions, result["ground"]["zh"])
    listed = (len(rows) + 1) * 4.6 + 6 if rows else 0
    sheet = Sheet(width, base + 6 + band + listed + 16 + 4 * len(notes), "纵断面图")
    sheet.text(
        _LEFT, 8, f"纵断面图  横 1:{scale}  纵 1:{upright}（高程放大 {scale / upright:g} 倍）", 4.2
    )

    def at(s: float, z: float) -> tuple[float, float]:
        return _LEFT + s * along, base - (z - low) * up

    heights_axis(sheet, _LEFT, low, high, up, base, _LEFT + drawn)
    _ground_line(sheet, result, at)
    _tubes(sheet, result, at)
    _crossings(sheet, result, outlines, at)
    _band(sheet, result, at, base + 3)
    y = base + 3 + band + 6
    if rows:
        y = table(sheet, _LEFT, y - 3, _COLUMNS, rows) + 6
    codes = [x["segment"].get("class_code") for k in ("segments", "crossings") for x in result[k]]
    y = legend(sheet, codes, _LEFT, y, width - _LEFT - _RIGHT)
    for i, text in enumerate(notes):
        sheet.text(_LEFT, y + 1.5 + 4 * i, text, 2.4, fill="#444")
    return sheet.svg()


def _range(result: dict[str, Any], outlines: Outlines) -> tuple[float, float]:
    values = [z for _, z in result["ground"]["profile"] if z is not None]
    for segment in result["segments"]:
        values += [v for k in ("bottom", "top", "invert") for v in segment[k] if v is not None]
    values += [float(v) for o in outlines if len(o) for v in (o[:, 1].min(), o[:, 1].max())]
    if not values:
        return 0.0, 1.0
    return math.floor(min(values) - 0.2), math.ceil(max(values) + 0.2)


def _row(crossing: dict[str, Any]) -> list[object]:
    segment = crossing["segment"]
    return [
        crossing["number"],
        class_name(segment.get("class_code")),
        segment["size"] or "不详",
        f"{crossing['chainage']:.2f}",
        _metres(crossing["z"]),
        {"above": "上方", "below": "下方"}.get(crossing["position"], "不详"),
        _metres(crossing["clearance"]),
        f"{90 - crossing['crossing_angle']:.0f}",
        segment.get("owner") or "不详",
    ]


def _metres(value: float | None) -> str:
    return "不详" if value is None else f"{value:.2f}"


def _ground_line(sheet: Sheet, result: dict[str, Any], at: Any) -> None:
    nodes = [at(n["chainage"], n["ground"]) for n in result["nodes"] if n["ground"] is not None]
    sampled = [at(s, z) for s, z in result["ground"]["profile"] if z is not None]
    if result["ground"]["source"] in ("terrain", "mixed") and sampled:
        sheet.line(sampled, stroke="#6b4f2a", stroke_width=0.4)
        for x, y in nodes:
            sheet.box(x - 0.5, y - 0.5, 1, 1, fill="#6b4f2a")
    elif nodes:
        sheet.line(nodes, stroke="#6b4f2a", stroke_width=0.4)


def _tubes(sheet: Sheet, result: dict[str, Any], at: Any) -> None:
    for segment in result["segments"]:
        rgb = class_colour(segment["segment"].get("class_code"))
        chain = segment["chainage"]
        if None not in segment["top"] and None not in segment["bottom"]:
            top = [at(s, z) for s, z in zip(chain, segment["top"], strict=True)]
            bottom = [at(s, z) for s, z in zip(chain, segment["bottom"], strict=True)]
            sheet.shape(
                [*top, *bottom[::-1]], fill=rgb, fill_opacity=0.35, stroke=rgb, stroke_width=0.25
            )
        if None not in segment["invert"]:
            line = [at(s, z) for s, z in zip(chain, segment["invert"], strict=True)]
            sheet.line(line, stroke="#222", stroke_width=0.3)
    for node in result["nodes"]:
        if node["ground"] is None:
            continue
        near = [
            z
            for segment in result["segments"]
            for s, z in zip(segment["chainage"], segment["invert"], strict=True)
            if z is not None and abs(s - node["chainage"]) < 1e-6
        ]
        low = min(
            [*near, *([node["well_bottom"]] if node["well_bottom"] is not None else [])],
            default=node["ground"],
        )
        sheet.line(
            [at(node["chainage"], node["ground"]), at(node["chainage"], low)],
            stroke="#555",
            stroke_width=0.2,
        )


def _crossings(sheet: Sheet, result: dict[str, Any], outlines: Outlines, at: Any) -> None:
    crossings = result["crossings"]
    wanted = [at(c["chainage"], 0.0)[0] for c in crossings]
    places = spread(wanted, 5.2, _LEFT, sheet.width - 10)
    for crossing, outline, x in zip(crossings, outlines, places, strict=True):
        rgb = class_colour(crossing["segment"].get("class_code"))
        if len(outline):
            sheet.shape(
                [at(s, z) for s, z in outline],
                fill=rgb,
                fill_opacity=0.6,
                stroke="#222",
                stroke_width=0.2,
            )
        if crossing["z"] is None:
            continue
        top = crossing["z"] + (crossing["half_z"] or 0.0)
        end = at(crossing["chainage"], top)
        sheet.line([(x, _TOP - 8), (end[0], _TOP - 1), end], stroke="#777", stroke_width=0.12)
        tag(sheet, x, _TOP - 10, crossing["number"], rgb)


def _band(sheet: Sheet, result: dict[str, Any], at: Any, top: float) -> None:
    """The table under the drawing: upright numbers at the nodes, texts between them."""
    left, right = 4.0, at(result["length"], 0.0)[0] + 3.0
    y = top
    edges: dict[str, tuple[float, float]] = {}
    for title, height in _BAND:
        edges[title] = (y, height)
        sheet.box(left, y, right - left, height, fill="none", stroke="#888", stroke_width=0.12)
        sheet.text(left + 1.2, y + height / 2 + 0.9, title, 2.4)
        y += height
    sheet.line([(_LEFT - 3, top), (_LEFT - 3, y)], stroke="#888", stroke_width=0.12)
    _upright(sheet, edges, result, at)
    for segment in result["segments"]:
        x0, x1 = (at(s, 0.0)[0] for s in segment["chainage"])
        one = segment["segment"]
        slope = "—" if segment["slope"] is None else f"{segment['slope']:.1f}"
        for title, text in (
            ("管径材质", f"{one['size'] or '不详'} {one.get('material') or ''}"),
            ("坡度‰/长度m", f"{slope} / {segment['length']:.1f}"),
        ):
            row, height = edges[title]
            sheet.line([(x0, row), (x0, row + height)], stroke="#888", stroke_width=0.12)
            fitted = shorten(text, x1 - x0 - 0.8, 2.2)
            if text_width(fitted, 2.2) > 2.5:
                sheet.text((x0 + x1) / 2, row + height / 2 + 0.8, fitted, 2.2, "middle")


def _upright(
    sheet: Sheet, edges: dict[str, tuple[float, float]], result: dict[str, Any], at: Any
) -> None:
    nodes = result["nodes"]
    wanted = [at(n["chainage"], 0.0)[0] for n in nodes]
    places = spread(wanted, 3.0, _LEFT, max(wanted[-1], _LEFT))
    inverts, depths = _at_nodes(result, "invert"), _at_nodes(result, "depth")
    for i, (node, x) in enumerate(zip(nodes, places, strict=True)):
        for title, text in (
            ("地面高程", _metres(node["ground"])),
            ("管内底高程", inverts[i]),
            ("埋深 m", depths[i]),
            ("里程 m", f"{node['chainage']:.1f}"),
            ("点号", node["exp_no"] or ""),
        ):
            y, height = edges[title]
            fitted = shorten(text, height - 1.5, 2.3)
            sheet.text(x + 0.8, y + height - 1, fitted, 2.3, turn=-90)


def _at_nodes(result: dict[str, Any], name: str) -> list[str]:
    """Value at each node; where pipes arrive and leave at different heights, the lower of two."""
    segments = result["segments"]
    out = []
    for i in range(len(result["nodes"])):
        both = [segments[i - 1][name][1]] if i > 0 else []
        both += [segments[i][name][0]] if i < len(segments) else []
        known = [v for v in both if v is not None]
        pick = max if name == "depth" else min
        out.append(_metres(pick(known)) if known else "不详")
    return out
