"""A pipe survey as the rules see it: points, lines and what reading its cells brought up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.findings import Place

TableName = Literal["point", "line"]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A source table: ``headers[table]`` gives the source's own header of a field."""

    file: str
    sheet: str | None
    headers: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Issue:
    """Cells that could not be taken as they are: ``kind`` is ``formula``, ``not_a_number``,
    ``placeholder``, ``unknown_word`` or ``grammar``; ``rows`` are positions in the table and
    ``found`` the cells' text."""

    kind: str
    table: TableName
    field: str
    rows: Rows
    found: npt.NDArray[np.object_]


@dataclass(slots=True)
class Survey:
    """Points and lines with default indices, in source units and CRS.

    Both tables have ``sheet`` (index into ``sheets``) and ``row`` (1-based, as the spreadsheet
    counts). Points: ``exp_no``, ``key``, ``class_code``, ``x_src`` (northing), ``y_src``,
    ``ground_h``, … Lines: ``from_no``, ``to_no``, their positions ``a`` and ``b`` among the points
    (-1 where absent), ``class_code``, depths, heights and the section. ``alive`` marks rows that no
    rule has refused yet; only the engine clears it.
    """

    points: pd.DataFrame
    lines: pd.DataFrame
    sheets: Sequence[Sheet]
    issues: Sequence[Issue] = ()
    alive: dict[str, Mask] = field(default_factory=dict)
    _cells: dict[tuple[str, str], npt.NDArray[Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ("point", "line"):
            self.alive.setdefault(name, np.ones(len(self.table(name)), bool))

    def table(self, name: str) -> pd.DataFrame:
        """The points or the lines."""
        return self.points if name == "point" else self.lines

    def numbers(self, table: str, column: str) -> Floats:
        """A numeric column as floats (NaN where null)."""
        out: Floats = self.table(table)[column].to_numpy(np.float64)
        return out

    def values(self, table: str, column: str) -> npt.NDArray[Any]:
        """A column as it is."""
        return self.table(table)[column].to_numpy()

    def cell(self, table: str, column: str, position: int) -> Any:
        """One value; the columns are kept, for findings ask for thousands of cells."""
        key = (table, column)
        if key not in self._cells:
            self._cells[key] = self.table(table)[column].to_numpy()
        return self._cells[key][position]

    def ends(self) -> tuple[Rows, Rows]:
        """Positions of the lines' end points, -1 where the point table has none."""
        lines = self.lines
        return lines["a"].to_numpy(np.intp), lines["b"].to_numpy(np.intp)

    def at_ends(self, column: str) -> tuple[Floats, Floats]:
        """A numeric point column at both ends of every line, NaN where the point is absent."""
        values = np.append(self.numbers("point", column), np.nan)
        a, b = self.ends()
        return values[a], values[b]

    def connected(self) -> Mask:
        """Lines that are alive and whose both ends are alive points."""
        points = np.append(self.alive["point"], False)
        a, b = self.ends()
        out: Mask = self.alive["line"] & points[a] & points[b]
        return out

    def degrees(self) -> Rows:
        """How many lines meet at every point, one more entry for lines without their point.

        A line that was refused for another reason is still in the ground, so it counts, unless it
        repeats one that stays: what is told of a point must not follow from a slip elsewhere.
        """
        size = len(self.points) + 1
        ends = np.stack(self.ends())
        live = self.connected()
        low, high = np.sort(ends, axis=0) + 1
        pair = low.astype(np.int64) * (size + 1) + high
        gone = ~live & (ends[0] != ends[1]) & ~np.isin(pair, pair[live])
        first = np.zeros(len(pair), bool)
        first[np.unique(np.where(gone, pair, -1), return_index=True)[1]] = True
        counted = live | (gone & first)
        return np.bincount(ends[:, counted].ravel() % size, minlength=size)

    def place(self, table: str, position: int, column: str | None) -> Place:
        """Where a row (and one of its fields) stands in the delivery."""
        sheet = self.sheets[int(self.cell(table, "sheet", position))]
        header = sheet.headers.get(table, {}).get(column or "", None)
        if table == "point":
            element = self.cell(table, "exp_no", position)
        else:
            ends = (self.cell(table, name, position) or "?" for name in ("from_no", "to_no"))
            element = "~".join(ends)
        row = int(self.cell(table, "row", position))
        return Place(sheet.file, sheet.sheet, row, header, element)
