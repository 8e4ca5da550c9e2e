"""The columns of a footprint layer by their canonical names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.mapping import buildings
from ingest.readers.base import ReadOptions
from ingest.readers.footprint_report import SAMPLED_ROWS, Objects, Report
from ingest.readers.footprint_values import Floats, header_factor, numbers
from models.findings import Severity


class Layer:
    """The source columns by canonical name."""

    def __init__(
        self,
        names: list[str],
        columns: list[npt.NDArray[Any]],
        options: ReadOptions,
        report: Report,
    ) -> None:
        matched = buildings.match(names, options.mapping)
        self.names, self.columns, self.found = names, columns, matched.found
        self.report = report
        for canonical, others in matched.rivals.items():
            taken = self.source(canonical)
            report.whole(
                "STR-05",
                Severity.WARNING,
                en=f"column {taken!r} was read as {canonical}, {', '.join(others)} was not. "
                "Declare a mapping if that is wrong.",
                zh=f"字段“{taken}”作为 {canonical} 读取，未采用 {'、'.join(others)}。"
                "如有误请声明字段对应关系。",
                found=", ".join(others),
                expected=taken,
                column=taken,
            )

    def source(self, canonical: str) -> str | None:
        """The source's own header."""
        index = self.found.get(canonical)
        return None if index is None else self.names[index]

    def raw(self, canonical: str) -> Objects:
        """Values as the file has them, null as None or NaN."""
        if (index := self.found.get(canonical)) is None:
            return np.full(self.report.count, None, dtype=object)
        return self.columns[index].astype(object)

    def texts(self, canonical: str) -> Objects:
        """Values as stripped text, None where null or blank; 12.0 is ``12``."""
        index = self.found.get(canonical)
        if index is None:
            return np.full(self.report.count, None, dtype=object)
        codes, words = pd.factorize(self.columns[index])
        plain = [str(int(word)) if _whole(word) else str(word).strip() for word in words]
        table = np.array([*(word or None for word in plain), None], dtype=object)
        return table[codes]

    def numbers(self, canonical: str, code: str, severity: Severity) -> Floats:
        """Values as floats; a finding for what is neither null nor a number."""
        index = self.found.get(canonical)
        if index is None:
            return np.full(self.report.count, np.nan)
        parsed = numbers(self.columns[index])
        self.report.rows(
            parsed.wrong,
            code,
            en=f"{self.names[index]} is '{{found}}', expected a number. Correct the value.",
            zh=f"{self.names[index]} 的值“{{found}}”不是数字。请更正。",
            found=self.columns[index],
            expected="number",
            column=self.names[index],
            severity=severity,
        )
        return parsed.values

    def metres(self, canonical: str, code: str) -> Floats:
        """Lengths in metres, read with the unit that stands beside a number or in the header.

        A row with anything else is refused with ``code``; what was converted is told (BLD-08).
        """
        index = self.found.get(canonical)
        if index is None:
            return np.full(self.report.count, np.nan)
        name, column = self.names[index], self.columns[index]
        parsed = numbers(column, name)
        self.report.rows(
            parsed.wrong,
            code,
            en=f"{name} is '{{found}}', expected a number of metres, or one with the unit m, cm, "
            "mm, km or ft. Convert any other unit to metres.",
            zh=f"{name} 的值“{{found}}”不是以米为单位的数字，也不带 m、cm、mm、km、ft 单位。"
            "其他单位请换算为米。",
            found=column,
            expected="m",
            column=name,
        )
        unit = header_factor(name)
        shown = np.full(self.report.count, "", dtype=object)
        told = parsed.with_unit & ~self.report.bad
        some = np.flatnonzero(told)[:SAMPLED_ROWS]
        shown[some] = [
            f"{word} = {metres:g} m"
            for word, metres in zip(column[some], parsed.values[some], strict=True)
        ]
        text = column.dtype == object and any(isinstance(value, str) for value in column)
        if unit != 1.0 or text:  # metres named by the header alone are plain
            self.report.rows(
                told,
                "BLD-08",
                en=f"{name} carries a unit and was read in metres: {{found}}. Check one of them; "
                "deliver plain numbers of metres.",
                zh=f"{name} 带有单位，已换算为米：{{found}}。请核对；建议只填以米为单位的数字。",
                found=shown,
                expected="m",
                column=name,
                severity=Severity.INFO,
            )
        return parsed.values


def _whole(word: Any) -> bool:
    return isinstance(word, float | np.floating) and float(word).is_integer()
