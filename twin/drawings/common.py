"""What all drawings share: scales, class colours, the foot with datum and revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models import pipes
from twin.drawings.sheet import Sheet, colour, text_width

#: Closed lines in the plane of a drawing, (s, z) in metres.
Outlines = Sequence[npt.NDArray[np.float64]]

SCALES: Final = (20, 50, 100, 200, 250, 300, 500, 1000, 2000, 5000, 10000)
_UNKNOWN: Final = "#777777"


def fitting_scale(metres: float, millimetres: float, least: int = SCALES[0]) -> int:
    """The largest usual scale (1:n) at which ``metres`` fit into ``millimetres``."""
    return next((n for n in SCALES if n >= least and metres * 1000 / n <= millimetres), SCALES[-1])


def class_colour(code: object) -> str:
    """Colour of a pipe class (CJJ 61-2017 appendix B), grey for unknown codes."""
    found = pipes.classes().get(str(code))
    return colour(found.rgb) if found else _UNKNOWN


def class_name(code: object) -> str:
    """Chinese name and code of a class."""
    found = pipes.classes().get(str(code))
    return f"{found.zh} {found.code}" if found else f"未知 {code}"


def legend(sheet: Sheet, codes: Iterable[object], x: float, y: float, width: float) -> float:
    """Class colours from (x, y) in rows of ``width`` mm; the y below them."""
    at = x
    for code in sorted({str(c) for c in codes}):
        name = class_name(code)
        need = 8 + text_width(name, 2.5) + 4
        if at + need > x + width:
            at, y = x, y + 4.5
        sheet.box(
            at,
            y - 2.2,
            5,
            2.4,
            fill=class_colour(code),
            fill_opacity=0.55,
            stroke="#333",
            stroke_width=0.15,
        )
        sheet.text(at + 6.5, y, name)
        at += need
    return y + 4.5


def foot(
    datum: dict[str, Any], revisions: Sequence[dict[str, Any]], ground: str | None = None
) -> list[str]:
    """Lines that say datum, source of the ground and revisions of the data."""
    lines = [f"平面 {datum['horizontal']}，高程 {datum['vertical']}"]
    if ground:
        lines[0] += f"；地面：{ground}"
    data = "；".join(
        f"{r['dataset']} 第{r['number']}版 {str(r['recorded'])[:10]}" for r in revisions
    )
    if data:
        lines.append(f"数据 data：{data}")
    return lines


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places at least ``gap`` apart (while they fit between ``low`` and ``high``), near ``wanted``,
    in the same order; ``wanted`` must be sorted."""
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    out: list[float] = []
    for value in wanted:
        out.append(max(value, low, out[-1] + gap if out else low))
    limit = high
    for i in range(len(out) - 1, -1, -1):
        out[i] = min(out[i], limit)
        limit = out[i] - gap
    return out


def shorten(text: object, width: float, size: float) -> str:
    """``text`` cut to ``width`` mm at font size ``size``."""
    plain = "" if text is None else str(text)
    if text_width(plain, size) <= width:
        return plain
    while plain and text_width(plain + "…", size) > width:
        plain = plain[:-1]
    return plain + "…"


def table(
    sheet: Sheet,
    x: float,
    y: float,
    columns: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[object]],
) -> float:
    """A ruled table with its upper left corner at (x, y); ``columns`` are (title, width mm). Cells
    that are too long are shortened. Returns the y below it."""
    high, size = 4.6, 2.4
    total = sum(width for _, width in columns)
    lines = [[title for title, _ in columns], *rows]
    sheet.box(x, y, total, high, fill="#e8ecf0")
    for i, cells in enumerate(lines):
        at = x
        for cell, (_, width) in zip(cells, columns, strict=True):
            sheet.text(at + 1, y + (i + 1) * high - 1.5, shorten(cell, width - 1.6, size), size)
            at += width
    for i in range(len(lines) + 1):
        sheet.line([(x, y + i * high), (x + total, y + i * high)], stroke="#888", stroke_width=0.1)
    at = x
    for width in [0.0, *(w for _, w in columns)]:
        at += width
        sheet.line([(at, y), (at, y + len(lines) * high)], stroke="#888", stroke_width=0.1)
    return y + len(lines) * high


def tag(sheet: Sheet, x: float, y: float, number: object, rgb: str) -> None:
    """A number in a circle."""
    sheet.add(
        f'<circle cx="{x:.3f}" cy="{y:.3f}" r="2.1" fill="#fff" stroke="{rgb}" '
        'stroke-width="0.35"/>'
    )
    sheet.text(x, y + 0.9, number, 2.4, "middle")


def heights_axis(
    sheet: Sheet, x: float, low: float, high: float, per_metre: float, y_of_low: float, right: float
) -> None:
    """Height marks at ``x`` from ``low`` to ``high`` (whole steps) with thin lines to ``right``."""
    step = next((s for s in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if s * per_metre >= 5), 100.0)
    count = round((high - low) / step)
    for i in range(count + 1):
        value = low + i * step
        y = y_of_low - (value - low) * per_metre
        sheet.line([(x, y), (right, y)], stroke="#bbb", stroke_width=0.1, stroke_dasharray="1 1")
        sheet.text(x - 1, y + 0.9, f"{value:.2f}", 2.4, "end")
    sheet.line(
        [(x, y_of_low), (x, y_of_low - (high - low) * per_metre)], stroke="#333", stroke_width=0.25
    )


def scale_bar(sheet: Sheet, x: float, y: float, scale: int) -> None:
    """A bar of four fields of a round length each; (x, y) is its lower left corner."""
    field = next(f for f in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if f * 1000 / scale >= 7)
    size = field * 1000 / scale
    for i in range(4):
        sheet.box(
            x + i * size,
            y - 1.4,
            size,
            1.4,
            fill="#222" if i % 2 == 0 else "#fff",
            stroke="#222",
            stroke_width=0.15,
        )
    for i in (0, 2, 4):
        sheet.text(x + i * size, y - 2.2, f"{i * field:g}", 2.2, "middle")
    sheet.text(x + 4 * size + 2.5, y, "m", 2.4)
