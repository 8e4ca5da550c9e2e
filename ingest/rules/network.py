"""A pipe survey as the rules see it: points, lines and what reading its cells brought up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.rules.context import NOTHING, CheckContext
from models.crs import STORAGE, StorageCrs, to_storage
from models.findings import Place

T = TypeVar("T")
TableName = Literal["point", "line"]
TABLES: Final[tuple[TableName, ...]] = ("point", "line")
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A source table: ``headers[table]`` gives the source's own header of a field."""

    file: str
    sheet: str | None
    headers: Mapping[str, Mapping[str, str]]

    @property
    def name(self) -> str:
        """File and sheet in one word."""
        return f"{self.file}[{self.sheet}]" if self.sheet else self.file


@dataclass(frozen=True, slots=True)
class Issue:
    """Cells that could not be taken as they are: ``kind`` is ``formula``, ``formula_unsaved``
    (no value stored), ``not_a_number``, ``placeholder``, ``unknown_word`` or ``grammar``; ``rows``
    are positions in the table and ``found`` the cells' text."""

    kind: str
    table: TableName
    field: str
    rows: Rows
    found: npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Stated:
    """What a delivery's own statistics sheet says: ``quantity`` ``length`` (m) or ``points`` of a
    class (of everything where ``class_code`` is ``None``), rounded to ± ``rounding``."""

    place: Place
    class_code: str | None
    quantity: str
    value: float
    rounding: float


@dataclass(slots=True)
class Survey:
    """Points and lines with default indices, in source units and CRS.

    Both tables have ``sheet`` (index into ``sheets``) and ``row`` (1-based, as the spreadsheet
    counts), and in ``fields`` and ``header_fields`` how many fields a row of delimited text and its
    header have (0 and 0 for workbooks). Points: ``exp_no``, ``key``, ``class_code``, ``x_src``
    (northing), ``y_src``, ``ground_h``, … Lines: ``from_no``, ``to_no``, their positions ``a`` and
    ``b`` among the points (-1 where absent), ``class_code``, depths, heights and the section.
    ``alive`` marks rows that no rule has refused yet; only the engine clears it. ``labels`` gives
    the usual Chinese header and the English name of a field, ``crs`` the declared CRS as sentences
    name it; ``horizontal`` and ``vertical`` are the declared datums as
    :class:`models.features.DatumPassport` has them. ``profile`` is the profile the delivery is
    checked by, ``context`` what it is checked against, ``totals`` what it states of itself;
    ``limits`` are the profile's numbers for rules.
    """

    points: pd.DataFrame
    lines: pd.DataFrame
    sheets: Sequence[Sheet]
    issues: Sequence[Issue] = ()
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    crs: str = ""
    horizontal: str | None = None
    vertical: str | None = None
    profile: str = "default"
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    context: CheckContext = NOTHING
    totals: Sequence[Stated] = ()
    alive: dict[str, Mask] = field(default_factory=dict)
    _cells: dict[tuple[str, str], npt.NDArray[Any]] = field(default_factory=dict, repr=False)
    _kept: dict[tuple[str, int, int], Any] = field(default_factory=dict, repr=False)

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

    def delivered(self, table: str, column: str) -> npt.NDArray[Any]:
        """A column of code words as the delivery spells them, for sentences that quote them."""
        frame = self.table(table)
        words = frame[column]
        if (own := f"{column}_said") in frame:
            words = frame[own].where(frame[own].notna(), words)
        return words.to_numpy(object)

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

    def in_storage(self, storage: StorageCrs = STORAGE) -> tuple[Floats, Floats, Floats] | None:
        """East, north and 1985 height (m) of every point's ground in the storage CRS, NaN where one
        is not known or lies outside the area of the declared CRS; ``None`` where no datum is
        declared. The shift of a point's height holds for the lines that end there."""
        if self.horizontal is None or self.vertical is None:
            return None
        e, n, h = (self.numbers("point", name) for name in ("y_src", "x_src", "ground_h"))
        good = np.isfinite(e) & np.isfinite(n) & np.isfinite(h)
        if "inside" in self.points:
            good &= self.values("point", "inside").astype(bool)
        out = np.full((3, len(e)), np.nan)
        if good.any():
            out[:, good] = to_storage(
                e[good], n[good], h[good], self.horizontal, self.vertical, storage
            )
        return out[0], out[1], out[2]

    def connected(self) -> Mask:
        """Lines that are alive and whose both ends are alive points."""
        points = np.append(self.alive["point"], False)
        a, b = self.ends()
        out: Mask = self.alive["line"] & points[a] & points[b]
        return out

    def kept(self, name: str, make: Callable[[Survey], T]) -> T:
        """What ``make`` derives from the rows, made once for every ``name`` and again when rules
        have refused more of them."""
        key = (name, int(self.alive["point"].sum()), int(self.alive["line"].sum()))
        if key not in self._kept:
            self._kept = {k: v for k, v in self._kept.items() if k[0] != name}
            self._kept[key] = make(self)
        out: T = self._kept[key]
        return out

    def standing(self) -> Mask:
        """Lines that are in the ground, sound or not.

        A line that was refused for another reason is still there, unless it repeats one that
        stays: what is told of a point must not follow from a slip elsewhere.
        """
        size = len(self.points) + 1
        ends = np.stack(self.ends())
        live = self.connected()
        low, high = np.sort(ends, axis=0) + 1
        pair = low.astype(np.int64) * (size + 1) + high
        gone = ~live & (ends[0] != ends[1]) & ~np.isin(pair, pair[live])
        first = np.zeros(len(pair), bool)
        first[np.unique(np.where(gone, pair, -1), return_index=True)[1]] = True
        return np.asarray(live | (gone & first))

    def degrees(self) -> Rows:
        """How many lines meet at every point, one more entry for lines without their point."""
        size = len(self.points) + 1
        ends = np.stack(self.ends())[:, self.standing()]
        return np.bincount(ends.ravel() % size, minlength=size)

    def place(self, table: str, position: int, column: str | None) -> Place:
        """Where a row (and one of its fields) stands in the delivery."""
        sheet = self.sheets[int(self.cell(table, "sheet", position))]
        header = self.header(table, position, column or "")
        if table == "point":
            element = self.cell(table, "exp_no", position)
        else:
            ends = (self.cell(table, name, position) or "?" for name in ("from_no", "to_no"))
            element = "~".join(ends)
        row = int(self.cell(table, "row", position))
        return Place(sheet.file, sheet.sheet, row, header, element)

    def header(self, table: str, position: int, column: str) -> str | None:
        """The row's sheet's own header of a field; ``None`` where the sheet has no such column."""
        sheet = self.sheets[int(self.cell(table, "sheet", position))]
        return sheet.headers.get(table, {}).get(column)

    def column_names(self, table: str, position: int, column: str) -> tuple[str, str]:
        """A field as Chinese and English sentences name it: the sheet's own header, else the usual
        one, in quotes, with what it means (in Chinese only of headers that are not)."""
        usual, english = self.labels.get(column, (column, ""))
        name = self.header(table, position, column) or usual
        zh = f"（{usual}）" if name.isascii() and not usual.isascii() else ""
        en = f" ({english})" if english else ""
        return f"“{name}”{zh}", f"“{name}”{en}"

    def row_names(self, table: str, positions: Sequence[int], beside: int, most: int = 5) -> str:
        """Rows as a spreadsheet counts them, for a sentence about the row ``beside``: of its own
        sheet the bare numbers, of another with that before them (``JSPoint!9``)."""
        home = self.sheets[int(self.cell(table, "sheet", beside))]
        names = []
        for position in positions[:most]:
            sheet = self.sheets[int(self.cell(table, "sheet", position))]
            other = sheet.sheet if sheet.file == home.file and sheet.sheet else sheet.name
            row = int(self.cell(table, "row", position))
            names.append(str(row) if sheet is home else f"{other}!{row}")
        return ", ".join(names) + (", …" if len(positions) > most else "")
