"""Constants that were taken off a survey's coordinates, and are added back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.survey_area import inside
from ingest.readers.survey_sheets import Declared
from ingest.rules.network import Survey
from models.findings import Finding, Place, Severity

Offset = tuple[float, float, float]
NONE: Final[Offset] = (0.0, 0.0, 0.0)
_KINDS: Final = ("offset_x", "offset_y", "offset_h")
#: Metres: no projected coordinate and no height is larger.
_LARGEST: Final = (1.0e7, 1.0e8, 1.0e4)
_COLUMNS: Final = (
    ("north_x", "geom_x", "from_x", "to_x", "geom_from_x", "geom_to_x"),
    ("east_y", "geom_y", "from_y", "to_y", "geom_from_y", "geom_to_y"),
    (
        "ground_h", "well_bottom_h", "geom_h", "geom_from_h", "geom_to_h", "from_h", "to_h",
        "from_top_h", "to_top_h", "from_bot_h", "to_bot_h",
    ),
)  # fmt: skip


def declared_offset(file: str, declared: Sequence[Declared], options: ReadOptions) -> Offset:
    """North, east and height in metres to add to what is delivered.

    Raises :class:`ingest.errors.RefusedError` (MET-03) for a constant that is no number or absurdly
    large, and where two declarations differ.
    """
    values: list[float] = []
    wrong: list[Finding] = []
    for index, kind in enumerate(_KINDS):
        said = [
            (d.declaration.text, Place(d.grid.file, d.grid.sheet, d.grid.row(d.declaration.row)))
            for d in declared
            if d.declaration.kind == kind
        ]
        if options.offset is not None:
            said.insert(0, (f"{options.offset[index]:g}", Place(file)))
        numbers = [_number(text) for text, _ in said]
        for (text, place), number in zip(said, numbers, strict=True):
            if number is None or abs(number) > _LARGEST[index]:
                wrong.append(_unusable(place, text, _LARGEST[index]))
        known = {n for n in numbers if n is not None}
        if len(known) > 1:
            wrong.append(_conflict(said))
        values.append(known.pop() if known else 0.0)
    if wrong:
        raise RefusedError(wrong)
    return values[0], values[1], values[2]


def apply(survey: Survey, offset: Offset) -> None:
    """Add ``offset`` to every coordinate and height, and keep the delivered ones of points as
    ``attrs.as_delivered`` [x, y, height]. Works in place."""
    if offset == NONE:
        return
    columns = [survey.numbers("point", c) for c in ("north_x", "east_y", "ground_h")]
    rows = np.column_stack(columns).tolist()
    for attrs, row in zip(survey.points["attrs"], rows, strict=True):
        attrs["as_delivered"] = [None if v != v else v for v in row]
    for shift, names in zip(offset, _COLUMNS, strict=True):
        for table in ("point", "line"):
            frame = survey.table(table)
            for name in names:
                if shift and name in frame.columns:
                    frame[name] = survey.numbers(table, name) + shift
    via = [_moved(v, offset) for v in survey.values("line", "geom_via")]
    survey.lines["geom_via"] = np.array([*via, None], object)[:-1]


def check(survey: Survey, offset: Offset, crs: str, file: str) -> None:
    """Refuse (MET-03) constants that lead out of the area of ``crs`` coordinates which lie in it
    as they were delivered: they hold the constants already."""
    if offset[:2] == (0.0, 0.0):
        return
    x, y = survey.numbers("point", "x_src"), survey.numbers("point", "y_src")
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any() or inside(y[known], x[known], crs).mean() >= 0.5:
        return
    before = inside(y[known] - offset[1], x[known] - offset[0], crs)
    if before.mean() >= 0.5:
        said = sentence(offset)
        zh = (
            f"{file}：坐标本身已在坐标系 {survey.crs or crs} 范围内，再加常数（{said[0]}）则超出"
            "范围。请确认坐标是否已含常数，并去掉多余的声明。"
        )
        en = (
            f"{file}: the coordinates lie in the area of {survey.crs or crs} as they are, and "
            f"outside it with the declared constants ({said[1]}). Check whether the coordinates "
            "hold them already, and remove the declaration if so."
        )
        raise RefusedError([Finding("MET-03", Severity.ERROR, Place(file), zh, en, said[1], "0")])


def sentence(offset: Offset) -> tuple[str, str]:
    """The constants for people, in Chinese and English."""
    values = [f"{n}{v:+.3f}" for n, v in zip(("X", "Y", "H"), offset, strict=True) if v]
    return f"坐标已加常数 {' '.join(values)} m", f"constants added: {' '.join(values)} m"


def _moved(via: object, offset: Offset) -> object:
    if not isinstance(via, tuple):
        return via
    north, east, up = offset
    return tuple((e + east, n + north, None if h is None else h + up) for e, n, h in via)


def _number(text: str) -> float | None:
    try:
        number = float(text.strip().removesuffix("m").removesuffix("米").strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _unusable(place: Place, text: str, largest: float) -> Finding:
    return Finding(
        "MET-03",
        Severity.ERROR,
        place,
        f"{place.file}：坐标加常数“{text}”不是合理的数值（米，绝对值不超过 {largest:g}）。请改正。",
        f"{place.file}: the constant “{text}” is no usable number (metres, at most {largest:g}). "
        "Correct it.",
        text,
        f"|c| ≤ {largest:g} m",
    )


def _conflict(said: Sequence[tuple[str, Place]]) -> Finding:
    (one, first), (other, place) = said[0], said[-1]
    return Finding(
        "MET-03",
        Severity.ERROR,
        place,
        f"{place.file}：坐标加常数“{other}”与{first.file}声明的“{one}”不一致。请统一。",
        f"{place.file}: the constant “{other}” contradicts “{one}” of {first.file}. Declare one.",
        other,
        one,
    )
