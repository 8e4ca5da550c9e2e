"""Cells of one survey table → typed columns, with an issue for every cell that is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.mapping import values as parse
from ingest.mapping.sizes import sizes
from ingest.mapping.text import Json, Objects, as_text, header_unit, text_column
from ingest.mapping.values import Placeholders
from ingest.mapping.words import SurveyWords
from ingest.readers.survey_sheets import SourceTable
from ingest.readers.tables import FORMULA_ERRORS
from ingest.readers.tables_xlsx import UNSAVED
from ingest.rules.network import Issue, Mask, TableName
from models import pipes

Columns = dict[str, npt.NDArray[Any]]
_FORMULA: Final = np.array(sorted(FORMULA_ERRORS | {"#ERROR"}), object)
_PREFIX: Final = re.compile(r"([A-Z]{2})[-_]?\d")
#: Up to here a double tells each whole number from the next.
_EXACT: Final = 2**53
_CODE: Final = re.compile(r"5\d{7}")
#: Fields that go into ``attrs``: under their name, or as a member of ``casing``.
_ATTRS: Final = {
    "feature_code": None,
    "surface": None,
    "casing_material": "material",
    "casing_size": "size",
}
_PRESSURE: Final = re.compile(r"(低压|中压[AB]?|次高压[AB]?|高压[AB]?)")
#: Kinds whose cells may bring their unit; a depth in another unit than its column is a blunder.
_WITH_UNIT: Final = frozenset({"pressure", "voltage", "millimetre"})
#: Code words that stay as delivered when they are not known (the finding is a warning).
_KEPT: Final = frozenset({"feature", "appurtenance", "status"})
#: Issues of a cell that says something, though not what.
_ILLEGIBLE: Final = frozenset({"unknown_word", "formula", "formula_unsaved"})
#: Code words that rules quote: ``{field}_said`` has them as delivered where their code differs.
_QUOTED: Final = frozenset({"appurtenance"})


class CellReader:
    """Reads the fields of one table; ``issues`` count positions from ``base``."""

    def __init__(
        self,
        table: TableName,
        source: SourceTable,
        words: SurveyWords,
        base: int,
        headers: dict[str, str],
    ) -> None:
        self.table = table
        self.source = source
        self.words = words
        self.base = base
        self.headers = headers
        self.issues: list[Issue] = []

    def read(self, cells: Objects) -> Columns:
        """All fields of the table's rows (lengths in metres, sizes in mm), and their ``attrs``."""
        out: Columns = {}
        for field, index in self.source.table.columns[self.table].items():
            column = self._formulas(field, cells[:, index].copy(), "formula")
            out |= self._field(field, column)
        for field, beside in (("holes_used", "holes_pair"), ("holes", "ducts")):
            if beside in out:
                other = out.pop(beside)
                own = out.get(field, np.full(len(cells), np.nan))
                out[field] = np.where(np.isnan(own), other, own)
        out["class_code"] = self._classes(out, len(cells))
        out["attrs"] = self._attrs(cells)
        _annotate(out)
        return out

    def _formulas(self, field: str, column: Objects, kind: str) -> Objects:
        if not _has_hash(column):
            return column
        texts = column.astype(str)
        for what, mask in ((kind, np.isin(texts, _FORMULA)), (f"{kind}_unsaved", texts == UNSAVED)):
            self._issue(what, field, mask, column)
            column[mask] = None
        return column

    def _issue(self, kind: str, field: str, mask: Mask, column: Objects) -> None:
        rows = np.flatnonzero(mask)
        if len(rows):
            texts = np.array([as_text(v) or "" for v in column[rows]], object)
            self.issues.append(Issue(kind, self.table, field, rows + self.base, texts))

    def _field(self, field: str, column: Objects) -> Columns:
        words = self.words
        kind = words.kinds.get(field, "text")
        empty = Placeholders(
            words.placeholder_words,
            words.placeholder_numbers,
            words.placeholder_dates,
            field in words.zero_is_null,
        )
        factor = self.source.table.factors.get(field, 1.0)
        if kind == "number":
            return {field: text_column(column)}
        if kind == "via":
            return {field: column}
        if kind == "size":
            read = sizes(column, empty, factor)
            self._issue("grammar", field, read.bad, column)
            self._issue("placeholder", field, read.placeholder, column)
            return {
                field: read.width,
                "width_mm": read.width,
                "height_mm": read.height,
                "box": read.box,
                "outer": read.outer,
                "ducts": read.ducts,
            }
        extra: Columns = {}
        bad_kind = "not_a_number"
        if kind == "pressure":
            extra["pressure_level"], column = _pressure_level(column)
        if kind == "count":
            parsed, second = parse.counts(column, empty)
            if field == "holes":
                extra["holes_pair"] = second
        elif kind == "date":
            parsed, extra["built_precision"] = parse.dates(column, empty)
        elif kind == "flow":
            parsed, bad_kind = parse.flows(column, words.flow), "unknown_word"
        elif kind == "code":
            parsed, bad_kind = self._words(field, column, empty), "unknown_word"
            if field in _QUOTED:
                extra[f"{field}_said"] = _said(column, parsed.values)
        elif kind == "text":
            parsed = parse.texts(column, empty)
        elif kind in _WITH_UNIT:
            units = words.units[kind]
            parsed, other = parse.quantities(column, empty, units, factor)
            if self._says_unit(field, units):
                self._issue("other_unit", field, other & ~parsed.bad, column)
        else:
            parsed = parse.numbers(column, empty, factor)
        self._issue(bad_kind, field, parsed.bad, column)
        self._issue("placeholder", field, parsed.placeholder, column)
        if field in _KEPT and parsed.bad.any():
            parsed.values[parsed.bad] = text_column(column[parsed.bad])
        return {field: parsed.values, **extra}

    def _says_unit(self, field: str, units: Mapping[str, float]) -> bool:
        """Whether the table says in what unit a column is."""
        table = self.source.table
        header = table.names[table.columns[self.table][field]] or ""
        return field in table.factors or header_unit(header) in units

    def _words(self, field: str, column: Objects, empty: Placeholders) -> parse.Parsed:
        tables: dict[str, Callable[[], Mapping[str, Any]]] = {
            "class_code": _class_table(column),
            "acq_method": lambda: self.words.method,
            "section": lambda: self.words.section,
            "feature": _canonical_points,
            "appurtenance": _canonical_points,
        }
        table = tables[field]() if field in tables else pipes.word_aliases(field)
        upper = field not in {"acq_method", "section"}
        return parse.words(column, table, empty, upper=upper)

    def _classes(self, out: Columns, count: int) -> Objects:
        """Column, else the feature code, else the sheet's or file's name, else the prefix of the
        point number. A word that is in the column and not known leaves the class open."""
        codes = out.get("class_code")
        classes: Objects = np.full(count, None, object) if codes is None else codes
        open_rows = pd.isna(classes)
        for issue in self.issues:
            if issue.field == "class_code" and issue.kind in _ILLEGIBLE:
                open_rows[issue.rows - self.base] = False
        if "feature_code" in out:
            classes[open_rows] = [_coded_class(c) for c in out["feature_code"][open_rows]]
            open_rows &= pd.isna(classes)
        if self.source.class_code is not None:
            classes[open_rows] = self.source.class_code
            return classes
        numbers = out.get("exp_no" if self.table == "point" else "from_no")
        if numbers is not None and open_rows.any():
            classes[open_rows] = [_prefix_class(n) for n in numbers[open_rows]]
        return classes

    def _attrs(self, cells: Objects) -> Objects:
        """Source columns without a meaning, by their headers; null cells are left out."""
        used = self.source.table.used
        names: dict[str, Objects] = {}
        for index, name in enumerate(self.source.table.names):
            if index in used or name is None:
                continue
            label = name if name not in names else f"{name} ({index + 1})"
            if label not in self.headers:
                self.headers[label] = name
            column = self._formulas(label, cells[:, index].copy(), "formula_unused")
            if pd.notna(column).any():
                values = np.empty(len(column), object)  # which hold lists, too
                values[:] = [_plain(v, self.source.grid.workbook) for v in column]
                names[label] = values
        out = np.empty(len(cells), object)
        if not names:
            out[:] = [{} for _ in range(len(cells))]
            return out
        keys = list(names)
        out[:] = [
            {k: v for k, v in zip(keys, row, strict=True) if v is not None}
            for row in zip(*names.values(), strict=True)
        ]
        return out


def _said(column: Objects, codes: Objects) -> Objects:
    """The words of a column that its codes do not repeat, else null."""
    texts = text_column(column)
    texts[pd.isna(codes) | np.equal(texts, codes)] = None
    return texts


def _class_table(column: Objects) -> Callable[[], Mapping[str, Any]]:
    """Class words, and the eight-digit feature codes that occur in a column."""
    coded = {t: _coded_class(t) for t in set(text_column(column)) if t}
    return lambda: {**pipes.class_words(), **{t: c for t, c in coded.items() if c}}


def _coded_class(code: str | None) -> str | None:
    """The class of an eight-digit feature code (CJJ 61-2017 appendix F), a minor's or a major's."""
    if code is None or not _CODE.fullmatch(code):
        return None
    return pipes.feature_code_classes().get(code[1:4])


def _annotate(out: Columns) -> None:
    """Casing (pipe around the pipe), feature code and surface into ``attrs``. Works in place."""
    attrs = out["attrs"]
    for name, key in _ATTRS.items():
        column = out.get(name, np.empty(0, object))
        for row in np.flatnonzero(pd.notna(column)):
            inner = attrs[row].setdefault("casing", {}) if key else attrs[row]
            inner[key or name] = column[row]


def _canonical_points() -> Mapping[str, str]:
    return {word: entry.canonical for word, entry in pipes.point_words().items()}


def _has_hash(column: Objects) -> bool:
    return any(isinstance(v, str) and v.startswith("#") for v in pd.unique(column))


def _plain(value: Any, workbook: bool) -> Any:
    """A cell as JSON holds it. In a workbook a whole number is one, since there are no others."""
    if isinstance(value, float):
        whole = workbook and value.is_integer() and abs(value) < _EXACT
        return int(value) if whole else value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return value.value if isinstance(value, Json) else value


def _prefix_class(number: str | None) -> str | None:
    found = _PREFIX.match(number.upper()) if number else None
    return pipes.class_words().get(found[1]) if found else None


def _pressure_level(column: Objects) -> tuple[Objects, Objects]:
    """Words such as 中压A out of a pressure column, and the column without them."""
    texts = text_column(column)
    levels = np.array(
        [m[0] if t and (m := _PRESSURE.fullmatch(t)) else None for t in texts], object
    )
    rest = column.copy()
    rest[pd.notna(levels)] = None
    return levels, rest
