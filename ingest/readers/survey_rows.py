"""Rows of recognised survey tables → typed columns, with an issue for every cell that is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.mapping.header import drop_rows
from ingest.mapping.text import Objects, filled, text_column
from ingest.mapping.words import SurveyWords
from ingest.readers.survey_cells import CellReader, Columns
from ingest.readers.survey_sheets import SourceTable
from ingest.rules.network import Issue, Mask, Sheet, Survey, TableName


def read_rows(tables: Sequence[SourceTable], words: SurveyWords) -> Survey:
    """Points and lines of all tables, typed, with the class and source place of every row.

    Point-to-line references are not resolved yet.
    """
    parts: dict[str, list[Columns]] = {"point": [], "line": []}
    issues: list[Issue] = []
    counts = {"point": 0, "line": 0}
    sheets = []
    for number, source in enumerate(tables):
        cells, rows = drop_rows(source.grid.cells, source.table)
        headers: dict[str, dict[str, str]] = {}
        for table, keep in _split(source, cells).items():
            own, own_rows = cells[keep], rows[keep]
            headers[table] = {
                field: str(source.table.names[i] or "")
                for field, i in source.table.columns[table].items()
            }
            reader = CellReader(table, source, words, counts[table], headers[table])
            columns = reader.read(own)
            columns["row"] = own_rows + source.grid.first
            columns["sheet"] = np.full(len(own), number)
            columns |= _field_counts(source, own_rows)
            parts[table].append(columns)
            issues.extend(reader.issues)
            counts[table] += len(own)
        sheets.append(Sheet(source.grid.file, source.grid.sheet, headers))
    frames = {t: _frame(parts[t], words.fields(t), words) for t in ("point", "line")}
    return Survey(frames["point"], frames["line"], sheets, issues, words.labels)


def _field_counts(source: SourceTable, rows: npt.NDArray[np.intp]) -> Columns:
    """``fields`` of each row and ``header_fields``, both 0 for workbooks.

    A row may have blank fields beyond the header where most rows of the table have as many: such a
    program ends every row with delimiters.
    """
    counts = source.grid.fields
    if counts is None or not len(rows):
        nothing = np.zeros(len(rows), np.int64)
        return {"fields": nothing, "header_fields": nothing}
    header, fields = int(counts[source.table.header_row]), counts[rows]
    usual = int(np.median(fields))
    beyond = source.grid.cells[rows, header:]
    if usual > header and not filled(beyond[fields == usual]).any():
        header = usual
    return {"fields": fields, "header_fields": np.full(len(rows), header)}


def _split(source: SourceTable, cells: Objects) -> dict[TableName, Mask]:
    """Which rows are points and which lines; only a result table has rows that are both."""
    table = source.table
    everything = np.ones(len(cells), bool)
    if table.role == "point":
        return {"point": everything}
    if table.role == "line":
        return {"line": everything}
    columns = table.columns["point"]
    number = text_column(cells[:, columns["exp_no"]])
    target = text_column(cells[:, table.columns["line"]["to_no"]])
    # A row beneath a merged point number goes on with that point's connections.
    carried = pd.Series(number, dtype=object).ffill().to_numpy(object)
    cells[:, columns["exp_no"]] = carried
    has_place = pd.notna(cells[:, columns["north_x"]])
    place = [carried, *(cells[:, i] for f, i in columns.items() if f in _PLACE)]
    again = pd.DataFrame({i: pd.Series(c, dtype=object) for i, c in enumerate(place)}).duplicated()
    points = (pd.notna(number) | has_place) & ~again.to_numpy()
    linked = pd.notna(target)
    pair = [tuple(sorted((str(a), str(b)))) for a, b in zip(carried, target, strict=True)]
    reversed_again = _reversed_again(pair, carried, linked)
    return {"point": points, "line": linked & ~reversed_again}


_PLACE: Final = frozenset({"north_x", "east_y", "ground_h"})


def _reversed_again(pairs: list[tuple[str, ...]], start: Objects, linked: Mask) -> Mask:
    """Connections that a result table lists a second time from their other end."""
    out = np.zeros(len(pairs), bool)
    first: dict[tuple[str, ...], str] = {}
    for index in np.flatnonzero(linked):
        said = first.setdefault(pairs[index], str(start[index]))
        out[index] = said != str(start[index])
    return out


_NOT_NUMBERS: Final = frozenset({"code", "number", "date", "via"})


def _frame(parts: list[Columns], fields: frozenset[str], words: SurveyWords) -> pd.DataFrame:
    """All tables under each other; a field that a table lacks is null there."""
    counts = {"row", "sheet", "fields", "header_fields"}
    names = sorted(fields | counts | {"attrs"} | {n for p in parts for n in p})
    numeric = counts | {f for f, k in words.kinds.items() if k not in _NOT_NUMBERS}
    numeric |= {"width_mm", "height_mm"}
    out: dict[str, Any] = {}
    for name in names:
        columns = []
        for part in parts:
            count = len(part["row"])
            if name in part:
                columns.append(part[name])
            elif name in {"box", "outer"}:
                columns.append(np.zeros(count, bool))
            elif name in numeric:
                columns.append(np.full(count, np.nan))
            else:
                columns.append(np.full(count, None, object))
        if columns:
            joined = np.concatenate(columns)
        else:
            joined = np.empty(0, np.float64 if name in numeric else object)
        out[name] = pd.Series(joined, dtype=joined.dtype)
    for name in ("box", "outer"):
        out.setdefault(name, pd.Series(np.zeros(len(out["row"]), bool)))
    for name in ("width_mm", "height_mm"):
        out.setdefault(name, pd.Series(np.full(len(out["row"]), np.nan)))
    for name in ("built_precision", "pressure_level"):
        out.setdefault(name, pd.Series(np.full(len(out["row"]), None, object), dtype=object))
    return pd.DataFrame(out)
