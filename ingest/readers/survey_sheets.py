"""Which sheets of a pipe survey hold points, lines or datum declarations, and of which class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.errors import RefusedError
from ingest.mapping import datums
from ingest.mapping.datums import Declaration
from ingest.mapping.header import Table, find_table
from ingest.mapping.text import fold
from ingest.mapping.words import SurveyWords
from ingest.readers.tables import Grid
from models import pipes
from models.findings import Finding, Place, Severity

_SPLIT: Final = re.compile(r"[\s_\-.()\[\]【】、,]+")


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A point, line or result table with its header and the class its name says."""

    grid: Grid
    table: Table
    class_code: str | None


@dataclass(frozen=True, slots=True)
class Declared:
    """A datum declaration and the sheet that holds it."""

    grid: Grid
    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Sources:
    """What the grids of a delivery hold; ``findings`` are about sheets that are not read."""

    tables: tuple[SourceTable, ...]
    declared: tuple[Declared, ...]
    findings: tuple[Finding, ...]


def discover(
    grids: Iterable[Grid], words: SurveyWords, mapping: Mapping[str, str] | None
) -> Sources:
    """Tables and declarations.

    Raises :class:`ingest.errors.RefusedError` with all reasons when a table lacks a required
    column or repeats one (STR-01), or when there is no point table (STR-08).
    """
    tables: list[SourceTable] = []
    declared: list[Declared] = []
    wrong: list[Finding] = []
    notes: list[Finding] = []
    for grid in grids:
        if grid.empty:
            notes.append(_empty(grid))
            continue
        table = find_table(grid.cells, words, mapping)
        if table is None:
            found = datums.find(grid.cells[:200].tolist())
            declared.extend(Declared(grid, d) for d in found)
            if not found and not is_metadata(grid, words):
                notes.append(_unrecognised(grid))
            continue
        above = datums.find(grid.cells[: table.header_row].tolist())
        declared.extend(Declared(grid, d) for d in above)
        wrong.extend(_header_findings(grid, table, words))
        tables.append(SourceTable(grid, table, _class_of(grid, words)))
    if not any("point" in t.table.columns for t in tables) and not wrong:
        wrong = _no_points(notes, tables)
    if wrong:
        told = {f.place for f in wrong}
        raise RefusedError(wrong + [n for n in notes if n.place not in told])
    return Sources(tuple(tables), tuple(declared), tuple(notes))


def is_metadata(grid: Grid, words: SurveyWords) -> bool:
    """Whether a sheet (or the file of a text table) is named like one that describes."""
    name = fold(grid.sheet or Path(grid.file).stem).upper()
    return any(word.upper() in name for word in words.metadata_names)


def class_of_name(name: str, words: SurveyWords) -> str | None:
    """The class that a sheet's or file's name says: ``JSPoint``, ``雨水点表``, ``YS_线表``."""
    known = pipes.class_words()
    text = fold(name).upper()
    for part in (text, *_SPLIT.split(text)):
        for candidate in (part, bare_name(part, words)):
            if candidate in known:
                return known[candidate]
    return None


def bare_name(name: str, words: SurveyWords) -> str:
    """A name without the words that say point or line table."""
    text = fold(name).upper()
    every = sorted({w.upper() for g in words.role_words.values() for w in g}, key=len, reverse=True)
    for word in every:
        text = text.replace(word, "")
    return text.strip(" _-.()[]0123456789")


def _class_of(grid: Grid, words: SurveyWords) -> str | None:
    own = class_of_name(grid.sheet, words) if grid.sheet else None
    return own or class_of_name(Path(grid.file).stem, words)


def _header_findings(grid: Grid, table: Table, words: SurveyWords) -> list[Finding]:
    row = table.header_row + 1
    out = []
    for name in table.repeated:
        out.append(
            Finding(
                "STR-01",
                Severity.ERROR,
                Place(grid.file, grid.sheet, row, name),
                f"{_name(grid)} 表头“{name}”出现两次，无法判断以哪列为准。请删除或改名后再提交。",
                f"{_name(grid)}: the header “{name}” occurs twice and neither can be preferred. "
                "Delete or rename one column.",
                name,
            )
        )
    for name, guess in table.missing.items():
        label = words.labels[name]
        hint_zh = f"疑为“{guess}”列，可用映射 {guess}={name} 声明。" if guess else "请补充该列。"
        hint_en = (
            f"It may be “{guess}”: declare the mapping {guess}={name}."
            if guess
            else "Add the column."
        )
        out.append(
            Finding(
                "STR-01",
                Severity.ERROR,
                Place(grid.file, grid.sheet, row, guess),
                f"{_name(grid)} 缺少必需列“{label}”（{name}）。{hint_zh}",
                f"{_name(grid)} has no column “{label}” ({name}). {hint_en}",
                guess,
                name,
            )
        )
    return out


def _no_points(notes: list[Finding], tables: list[SourceTable]) -> list[Finding]:
    if not tables and notes:
        return [
            Finding(n.code, Severity.ERROR, n.place, n.zh, n.en, n.found, n.expected) for n in notes
        ]
    file = tables[0].grid.file if tables else "?"
    return [
        Finding(
            "STR-08",
            Severity.ERROR,
            Place(file),
            f"{file} 只有线表，缺少点表，管段无法定位。请一并提交点表（点号、X、Y、地面高程）。",
            f"{file} holds lines but no point table, so they have no place. Deliver the point "
            "table (number, X, Y, ground height) with it.",
            None,
            "点表 point table",
        )
    ]


def _empty(grid: Grid) -> Finding:
    return Finding(
        "STR-08",
        Severity.WARNING,
        Place(grid.file, grid.sheet),
        f"{_name(grid)} 没有任何数据。请删除空表或补充数据。",
        f"{_name(grid)} is empty. Delete the sheet or fill it.",
        "0",
    )


#: A sheet this large holds a table; what is smaller may be a cover or a legend.
_TABLE_ROWS, _TABLE_COLUMNS = 3, 5


def _unrecognised(grid: Grid) -> Finding:
    """An error where rows of a delivery would be left out, a warning for a cover sheet."""
    rows, columns = grid.cells.shape
    table = rows >= _TABLE_ROWS and columns >= _TABLE_COLUMNS
    return Finding(
        "STR-08",
        Severity.ERROR if table else Severity.WARNING,
        Place(grid.file, grid.sheet),
        f"{_name(grid)} 前 20 行没有可识别的点表或线表表头，未读取。"
        "请使用规定列名（如 物探点号、X、Y、地面高程）或提供映射。",
        f"{_name(grid)} has no header of a point or line table in its first 20 rows and is not "
        "read. Use the known column names (物探点号, X, Y, 地面高程 …) or give a mapping.",
        None,
        "表头 header",
    )


def _name(grid: Grid) -> str:
    return f"{grid.file}[{grid.sheet}]" if grid.sheet else grid.file
