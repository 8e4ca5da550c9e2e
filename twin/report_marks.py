"""Which cells of a delivered table findings point at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ingest.mapping.text import Objects, as_text
from models.findings import Finding

#: Rows among which a header is looked for.
HEADER_ROWS: Final = 30

#: (row, column) from 0, and the findings on that cell, in the order in which they were given.
Marks = dict[tuple[int, int], list[Finding]]


def marks(cells: Objects, findings: Iterable[Finding]) -> Marks:
    """The cells of one sheet that ``findings`` of that sheet are about.

    A finding without a column, or on one that the sheet does not show, marks the first filled cell
    of its row; one on many rows marks them all; one on no row marks nothing.
    """
    names = header_columns(cells)
    out: Marks = {}
    for finding in findings:
        for row in rows_of(finding):
            if not 0 < row <= len(cells):
                continue
            for column in _columns(cells, names, finding.place.column, row - 1):
                out.setdefault((row - 1, column), []).append(finding)
    return out


def rows_of(finding: Finding) -> Iterator[int]:
    """Rows from 1 that a finding is about: its place's, and those that ``extra["rows"]`` lists or
    writes as spans (``3-7,12``)."""
    more = finding.extra.get("rows") or ()
    seen = set[int]()
    if finding.place.row is not None:
        seen.add(finding.place.row)
        yield finding.place.row
    for part in more.split(",") if isinstance(more, str) else map(str, more):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            span = range(int(first), int(last or first) + 1)
            yield from (row for row in span if row not in seen)


def header_columns(cells: Objects) -> Mapping[str, tuple[int, list[int]]]:
    """Row and columns of every text among the first rows, at its first occurrence; where a header
    takes two rows, its upper and lower text together (平面坐标 over X: 平面坐标X) count too."""
    out: dict[str, tuple[int, list[int]]] = {}
    above: list[str | None] = []
    for number, row in enumerate(cells[:HEADER_ROWS].tolist()):
        texts = [as_text(value) for value in row]
        carried: str | None = None
        for column, text in enumerate(texts):
            # a merged cell shows only in its first column; it reaches as far as sub-headers do
            upper = above[column] if above else None
            carried = upper or (carried if text else None)
            for name in (text, f"{carried}{text}" if carried and text else None):
                if name:
                    at, columns = out.setdefault(name, (number, []))
                    if at == number:
                        columns.append(column)
        above = texts
    return out


def _columns(
    cells: Objects, names: Mapping[str, tuple[int, list[int]]], column: str | None, row: int
) -> list[int]:
    at, columns = names.get(as_text(column) or "", (0, []))
    if columns and at <= row:
        return columns if at == row else columns[:1]
    filled = (index for index, value in enumerate(cells[row].tolist()) if value is not None)
    return [next(filled, 0)]
