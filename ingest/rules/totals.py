"""The statistics sheet of a delivery (统计表) against what its own rows add up to.

What is compared is the length in plan, in metres of the delivered grid: the sum over the lines of
the distance between their ends' X and Y, along the vertices of those that are drawn with any,
which is what survey programs write into such sheets. A stated length that is right for the length
in space (三维长度) is taken as right as well, for the same programs offer it. The length on the
ground, which is the plane one over the projection's scale (170 mm in a kilometre at 121.2°E in a
120°E zone), is named beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

import numpy as np

from ingest.mapping.text import Objects, as_text, header_key, header_unit
from ingest.rules.hits import Statement
from ingest.rules.lengths import ground, lengths
from ingest.rules.network import TABLES, Floats, Mask, Stated, Survey
from models import pipes
from models.findings import Place

#: Headers of such sheets, folded, in use among survey offices and programs.
CLASS_HEADERS: Final = frozenset(
    {"管线种类", "管线类别", "管线类型", "管类", "种类", "类别", "类型", "专业", "管线", "管线名称"}
)
LENGTH_HEADERS: Final = frozenset(
    {
        "长度",
        "管线长度",
        "管线总长",
        "总长度",
        "总长",
        "管长",
        "线长",
        "累计长度",
        "探测长度",
        "长度合计",
    }
)
POINT_HEADERS: Final = frozenset(
    {"点数", "管线点数", "管点数", "总点数", "管线点总数", "点总数", "管线点", "点数合计"}
)
TOTAL_WORDS: Final = frozenset({"合计", "总计", "总和", "全部", "total"})
_UNITS: Final = {"m": 1.0, "米": 1.0, "km": 1000.0, "千米": 1000.0, "公里": 1000.0}
_SEARCH_ROWS: Final = 20


class Cells(Protocol):
    """A sheet's cells from A1 on, as :class:`ingest.readers.tables.Grid` has them."""

    @property
    def file(self) -> str:
        """The file's name."""
        ...

    @property
    def sheet(self) -> str | None:
        """The sheet's name; ``None`` for a text file."""
        ...

    @property
    def cells(self) -> Objects:
        """Rows by columns."""
        ...


_Grid = TypeVar("_Grid", bound=Cells)


def find_totals(grid: Cells) -> tuple[Stated, ...]:
    """What a sheet states of classes or of the whole; nothing where it is no statistics sheet."""
    for row in range(min(_SEARCH_ROWS, len(grid.cells))):
        names = [as_text(v) or "" for v in grid.cells[row]]
        keys = [header_key(name) for name in names]
        own = [i for i, key in enumerate(keys) if key in CLASS_HEADERS]
        lengths = [i for i, key in enumerate(keys) if key in LENGTH_HEADERS]
        numbered = any("点号" in key or "编号" in key for key in keys)  # a table of lines
        if own and lengths and not numbered:
            points = [i for i, key in enumerate(keys) if key in POINT_HEADERS]
            return tuple(_rows(grid, row, names, own[0], lengths, points))
    return ()


def _rows(
    grid: Cells,
    header: int,
    names: Sequence[str],
    own: int,
    lengths: Sequence[int],
    points: Sequence[int],
) -> Iterator[Stated]:
    known = pipes.class_words()
    for row in range(header + 1, len(grid.cells)):
        word = (as_text(grid.cells[row, own]) or "").upper()
        total = word.lower() in TOTAL_WORDS
        if not total and word not in known:
            continue
        for quantity, columns in (("length", lengths), ("points", points)):
            for column in columns:
                number = _number(grid.cells[row, column])
                if number is None:
                    continue
                unit = _UNITS.get(header_unit(names[column]) or "m", 1.0)
                factor = unit if quantity == "length" else 1.0
                yield Stated(
                    Place(grid.file, grid.sheet, row + 1, names[column], word or None),
                    None if total else known[word],
                    quantity,
                    number[0] * factor,
                    number[1] * factor,
                )


def _number(value: Any) -> tuple[float, float] | None:
    """A number and half a unit of its last written place."""
    text = (as_text(value) or "").replace(",", "")
    try:
        number = float(text)
    except ValueError:
        return None
    places = len(text.partition(".")[2]) if "e" not in text.lower() else 0
    return (number, 0.5 * 10.0**-places) if np.isfinite(number) else None


def stated_lengths(survey: Survey, relative: float, absolute: float) -> Iterator[Statement]:
    """Lengths of the statistics sheet that are neither the plane nor the spatial sum of the lines
    of that class, to within ``relative`` and ``absolute`` (m) and the rounding of the sheet.

    A line counts though another of its cells is wrong, but not twice. Where ends of some lines of
    the class are not known or refused, only a stated length below the sum of the others is wrong.
    """
    stated = [s for s in survey.totals if s.quantity == "length"]
    if not stated:
        return
    plan, space = lengths(survey)
    counted = survey.standing()
    unknown = _unknown(survey, plan)
    for each in stated:
        own = _of_class(survey, "line", each.class_code) & counted
        sums = [float(np.sum(values[own & ~unknown])) for values in (plan, space)]
        slack = each.rounding + absolute
        slack += relative * max(sums[0], abs(each.value))
        short = each.value < min(sums) - slack
        long = each.value > max(sums) + slack and not (own & unknown).any()
        if short or long:
            on_ground = ground(survey, own & ~unknown)
            yield Statement(
                each.place,
                {
                    "found": f"{each.value:.2f}",
                    "sum": f"{sums[0]:.2f}",
                    "space": f"{sums[1]:.2f}",
                    "ground_zh": "" if on_ground is None else f"，地面长度 {on_ground:.2f} m",
                    "ground_en": "" if on_ground is None else f", {on_ground:.2f} m on the ground",
                    "off": f"{each.value - sums[0]:+.2f}",
                    "count": int(own.sum()),
                },
            )


def stated_points(survey: Survey) -> Iterator[Statement]:
    """Counts of points in the statistics sheet that are not how many numbers that class has."""
    for each in survey.totals:
        if each.quantity != "points":
            continue
        own = _of_class(survey, "point", each.class_code)
        count = int(survey.points.loc[own, "key"].nunique())
        if abs(each.value - count) > 0.5:
            yield Statement(each.place, {"found": f"{each.value:g}", "count": count})


def _of_class(survey: Survey, table: str, code: str | None) -> Mask:
    classes = survey.values(table, "class_code")
    if code is None:
        return np.ones(len(classes), bool)
    known = pipes.classes()
    codes = [c for c, entry in known.items() if code in (c, entry.major)]
    return np.isin(classes.astype(str), codes)


def _unknown(survey: Survey, plan: Floats) -> Mask:
    """Lines whose length is not known: an end is missing or refused."""
    ends = np.append(survey.alive["point"], False)
    a, b = survey.ends()
    return np.asarray(~(np.isfinite(plan) & ends[a] & ends[b]))


def by_class(survey: Survey, file: str) -> tuple[dict[str, Any], ...]:
    """Points, lines and plane length (m, as :func:`stated_lengths` counts, of the lines between
    points that nothing refused) of every class of the survey and of every class and sum of its
    statistics, if there are any, with what those say (``stated_points``, ``stated_length``) and by
    how much it is more (``difference``)."""
    plan, _ = lengths(survey)
    counted, unknown = survey.standing(), _unknown(survey, plan)
    known = pipes.classes()
    stated = {(s.class_code, s.quantity): s.value for s in reversed(survey.totals)}
    codes = (code for name in TABLES for code in survey.table(name)["class_code"].dropna().unique())
    classes: dict[str | None, None] = dict.fromkeys(sorted(codes))
    classes |= dict.fromkeys(code for code, _ in stated if code is not None)
    if len(classes) > 1 or (None, "length") in stated:
        classes[None] = None
    out = []
    for code in classes:
        lines = _of_class(survey, "line", code) & counted
        points = survey.points.loc[_of_class(survey, "point", code), "key"].nunique()
        length = round(float(np.sum(plan[lines & ~unknown])), 2)
        said = stated.get((code, "length"))
        entry = known.get(code or "")
        name = "合计 total" if code is None else f"{entry.zh} {entry.en}" if entry else None
        out.append(
            {
                "file": file,
                "class_code": code,
                "class": name,
                "points": int(points),
                "stated_points": stated.get((code, "points")),
                "lines": int(lines.sum()),
                "length": length,
                "stated_length": said,
                "difference": None if said is None else round(said - length, 2),
            }
        )
    return tuple(out)


def split_totals(grids: Iterable[_Grid]) -> tuple[list[_Grid], tuple[Stated, ...]]:
    """The sheets that state no totals, and what the others state."""
    rest: list[_Grid] = []
    stated: list[Stated] = []
    for grid in grids:
        found = find_totals(grid)
        stated.extend(found)
        if not found:
            rest.append(grid)
    return rest, tuple(stated)


CHECKS: Final = (stated_lengths, stated_points)
