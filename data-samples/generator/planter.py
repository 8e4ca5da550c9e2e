"""Changes cells of a survey and keeps the list of what must be found for it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from .network import Network
from .survey import Cell, Table, tables

CODES = ("JS", "YS", "WS", "RQ", "DL")
WORKBOOK = "survey_with_mistakes.xlsx"


class Planter:
    """Changes cells and keeps the list of what must be found for it."""

    def __init__(self, net: Network) -> None:
        self.sheets: dict[str, Table] = {}
        for code in CODES:
            for table in tables(net, code, names="{name}{kind}", generic=True, year_only=False):
                self.sheets[table.name] = table
        self.expected: list[dict[str, Any]] = []
        self.may_follow: list[dict[str, Any]] = []
        self.used: set[tuple[str, int]] = set()
        self.rng = Random(85)

    def expect(
        self, sheet: str, index: int, column: str | None, code: str, severity: str, zh: str, en: str
    ) -> None:
        """List a finding at data row ``index`` of a sheet."""
        row = self.sheets[sheet].first_row + index
        entry = {"sheet": sheet, "row": row, "column": column, "code": code, "severity": severity}
        self.expected.append({"file": WORKBOOK, **entry, "zh": zh, "en": en})
        self.used.add((sheet, index))

    def follows(self, sheet: str, index: int, *codes: str) -> None:
        """List findings that a mistake may have as its consequence at data row ``index``."""
        row = self.sheets[sheet].first_row + index
        self.may_follow += [{"sheet": sheet, "row": row, "code": code} for code in codes]

    def follows_at_end(self, sheet: str, index: int, end: str, *codes: str) -> None:
        """List consequences at the point that column ``end`` of a line names."""
        points = f"{sheet[:-1]}点"
        number = self.sheets[sheet].get(index, end)
        self.follows(points, self.sheets[points].row_of("物探点号", number), *codes)

    def cell(
        self,
        sheet: str,
        index: int,
        column: str,
        value: Cell,
        code: str,
        severity: str,
        zh: str,
        en: str,
    ) -> None:
        """Put ``value`` into a cell and expect a finding there."""
        self.sheets[sheet].set(index, column, value)
        self.expect(sheet, index, column, code, severity, zh, en)

    def add(self, sheet: str, **values: Cell) -> int:
        """Append a row; returns its index."""
        table = self.sheets[sheet]
        table.rows.append([values.get(column) for column in table.columns])
        return len(table.rows) - 1

    def copy(self, sheet: str, index: int, **changes: Cell) -> int:
        """Append a changed copy of a row; returns its index."""
        table = self.sheets[sheet]
        table.rows.append(list(table.rows[index]))
        for column, value in changes.items():
            table.set(len(table.rows) - 1, column, value)
        return len(table.rows) - 1

    def free(
        self, sheet: str, *, where: Callable[[dict[str, Cell]], bool] = lambda row: True
    ) -> int:
        """A row, anywhere in the sheet, that carries no mistake yet."""
        table = self.sheets[sheet]
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        return self.rng.choice(
            [i for i, row in enumerate(rows) if (sheet, i) not in self.used and where(row)]
        )

    def number(self, sheet: str, index: int, column: str) -> float:
        """A cell that holds a number."""
        value = self.sheets[sheet].get(index, column)
        if not isinstance(value, int | float):
            raise TypeError(f"{sheet} {column}: {value!r}")
        return float(value)

    def refused_point(self, sheet: str, index: int) -> None:
        """Expect LN-03 at every line that uses a refused point."""
        number = self.sheets[sheet].get(index, "物探点号")
        lines = f"{sheet[:-1]}线"
        for i, row in enumerate(self.sheets[lines].rows):
            if number in row[:2]:
                self.expect(
                    lines,
                    i,
                    None,
                    "LN-03",
                    "error",
                    f"依赖被拒绝的点 {number}",
                    f"depends on the refused point {number}",
                )
