"""Findings on the rows of one footprint layer, refused one by one and remarked on together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from models.findings import Finding, Place, Severity

Mask = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

#: How many rows and how many different values a finding on many rows shows.
SHOWN_ROWS: Final = 5
SHOWN_VALUES: Final = 3
#: How many rows are looked at for different values.
SAMPLED_ROWS: Final = 1000


@dataclass(slots=True)
class Report:
    """Collects findings on the rows of one layer; ``bad`` marks the rows that are refused."""

    file: str
    sheet: str | None
    count: int
    findings: list[Finding] = field(default_factory=list)
    bad: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(self.count, dtype=bool)

    def rows(
        self,
        mask: Mask,
        code: str,
        *,
        en: str,
        zh: str,
        expected: str,
        found: Sequence[Any] | npt.NDArray[Any] | str,
        column: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Tell of the rows of ``mask``; ``{found}`` in the sentences is what they hold.

        An error refuses its row and is a finding of its own. Anything less is one finding for all
        rows, with their number, the first of them and some values; ``extra`` has ``count`` and the
        first ``rows``. ``found`` has a value a row of the layer, or is one text for all.
        """
        indices = np.flatnonzero(mask)
        if severity is not Severity.ERROR:
            self._together(indices, code, severity, zh, en, found, expected, column)
            return
        self.bad |= mask
        for index in indices:
            value = found if isinstance(found, str) else short(found[index])
            row = int(index) + 1
            self.findings.append(
                Finding(
                    code,
                    severity,
                    Place(self.file, self.sheet, row, column),
                    f"{self.file} 第 {row} 个要素：{zh.replace('{found}', value)}",
                    f"{self.file}, feature {row}: {en.replace('{found}', value)}",
                    value,
                    expected,
                )
            )

    def _together(
        self,
        indices: npt.NDArray[np.intp],
        code: str,
        severity: Severity,
        zh: str,
        en: str,
        found: Sequence[Any] | npt.NDArray[Any] | str,
        expected: str,
        column: str | None,
    ) -> None:
        if not indices.size:
            return
        rows = [int(index) + 1 for index in indices[:SHOWN_ROWS]]
        value = found
        if not isinstance(value, str):
            different = dict.fromkeys(short(value[index]) for index in indices[:SAMPLED_ROWS])
            more = ["..."] if len(different) > SHOWN_VALUES else []
            value = ", ".join([*list(different)[:SHOWN_VALUES], *more])
        which = ", ".join(map(str, rows)) + (", ..." if indices.size > len(rows) else "")
        which_zh = "、".join(map(str, rows)) + ("……" if indices.size > len(rows) else "")
        self.findings.append(
            Finding(
                code,
                severity,
                Place(self.file, self.sheet, rows[0], column),
                f"{self.file}：{indices.size} 个要素（第 {which_zh} 个）："
                f"{zh.replace('{found}', value)}",
                f"{self.file}, {counted(indices.size, 'feature')} ({which}): "
                f"{en.replace('{found}', value)}",
                value,
                expected,
                extra={"count": int(indices.size), "rows": rows},
            )
        )

    def place(self, geometry: Objects) -> None:
        """Tell in ``extra`` where the rows of the findings lie: the middle of their boxes."""
        rows = [finding.place.row for finding in self.findings]
        boxes = shapely.bounds(geometry[[0 if row is None else row - 1 for row in rows]])
        middles = (boxes.reshape(-1, 4)[:, :2] + boxes.reshape(-1, 4)[:, 2:]) / 2
        for finding, row, middle in zip(self.findings, rows, middles.tolist(), strict=True):
            if row is not None and np.isfinite(middle).all():
                finding.extra["source_position"] = middle

    def whole(
        self,
        code: str,
        severity: Severity,
        *,
        en: str,
        zh: str,
        found: str | None = None,
        expected: str | None = None,
        column: str | None = None,
    ) -> None:
        """A finding on the file itself; an error refuses every row."""
        if severity is Severity.ERROR:
            self.bad[:] = True
        place = Place(self.file, self.sheet, None, column)
        self.findings.append(
            Finding(
                code, severity, place, f"{self.file}：{zh}", f"{self.file}: {en}", found, expected
            )
        )


def counted(number: int, noun: str) -> str:
    """``number`` and an English noun in the number that goes with it."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(value: Any) -> str:
    """A value as it fits a sentence."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
