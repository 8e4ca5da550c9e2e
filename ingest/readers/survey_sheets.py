"""Which sheets of a pipe survey hold points, lines or datum declarations, and of which class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import RefusedError
from ingest.mapping import datums
from ingest.mapping.datums import Declaration
from ingest.mapping.header import Table, find_table
from ingest.mapping.text import fold
from ingest.mapping.words import SurveyWords
from ingest.readers import survey_halves, survey_headers
from ingest.readers.survey_class import class_of_name
from ingest.readers.survey_outline import SourceOutline, find_outline
from ingest.readers.tables_grid import Grid
from models.findings import Finding, Place, Severity


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A point, line or result table with its header and the class its name says."""

    grid: Grid
    table: Table
    class_code: str | None


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration and the sheet that holds it. ``value`` is its meaning where that is plain, such
    as a layer's own CRS."""

    grid: Grid
    declaration: Declaration
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """What the grids of a delivery hold; ``findings`` are about sheets that are not read."""

    tables: tuple[SourceTable, ...]
    declared: tuple[Declared, ...]
    findings: tuple[Finding, ...]
    outlines: tuple[SourceOutline, ...] = ()
    wrong: tuple[Finding, ...] = ()


def discover(
    grids: Iterable[Grid], words: SurveyWords, mapping: Mapping[str, str] | None
) -> Sources:
    """Tables and declarations.

    A table that lacks a required column, repeats one, or has a connection that nothing starts
    (STR-01) refuses the whole delivery: that is ``wrong``, and ``tables`` are those of the other
    classes, whose rows can be checked all the same. So does a class with points and no line table,
    or the reverse (STR-08). Raises :class:`ingest.errors.RefusedError` with all reasons where no
    table is left or there is no point table (STR-08).
    """
    tables: list[SourceTable] = []
    declared: list[Declared] = []
    wrong: list[Finding] = []
    notes: list[Finding] = []
    outlines: list[SourceOutline] = []
    broken: set[str | None] = set()
    for grid in grids:
        notes.extend(grid.notes)
        if grid.crs is not None:
            declared.append(
                Declared(grid, Declaration("horizontal", _brief(grid.crs), 0, 0), grid.crs)
            )
        if grid.empty:
            notes.append(_empty(grid))
            continue
        table = find_table(grid.cells, words, mapping, grid.cut)
        if table is None:
            if outline := find_outline(grid, _class_of(grid, words)):
                outlines.append(outline)
                continue
            found = datums.find(grid.cells[:200].tolist())
            about = is_metadata(grid, words)
            plain = any(datums.is_datum(d.kind) for d in found)
            if about or plain:
                declared.extend(
                    Declared(grid, d) for d in found if about or datums.is_datum(d.kind)
                )
            else:
                notes.append(_unrecognised(grid))
            continue
        above = datums.find(grid.cells[: table.top_row].tolist())
        declared.extend(Declared(grid, d) for d in above)
        class_code = _class_of(grid, words)
        if faults := survey_headers.wrong(grid, table, words):
            wrong.extend(faults)
            broken.add(class_code)
        notes.extend(survey_headers.notes(grid, table, words))
        tables.append(SourceTable(grid, table, class_code))
    if not any("point" in t.table.columns for t in tables) and not wrong:
        wrong = _no_points(notes, tables)
    else:
        halves = survey_halves.lone([t for t in tables if t.class_code not in broken])
        wrong += [finding for findings in halves.values() for finding in findings]
        broken |= halves.keys()
    told = {f.place for f in wrong}
    notes = [n for n in notes if n.place not in told]
    if broken:  # a class is read whole or not at all: half of it would raise false findings
        tables = [t for t in tables if t.class_code not in broken] if None not in broken else []
    if wrong and not any("point" in t.table.columns for t in tables):
        raise RefusedError([*wrong, *notes])
    return Sources(tuple(tables), tuple(declared), tuple(notes), tuple(outlines), tuple(wrong))


def is_metadata(grid: Grid, words: SurveyWords) -> bool:
    """Whether a sheet (or the file of a text table) is named like one that describes."""
    return is_metadata_name(grid.sheet or Path(grid.file).stem, words)


def is_metadata_name(name: str, words: SurveyWords) -> bool:
    """Whether a sheet's name or a file's stem is that of a description."""
    folded = fold(name).upper()
    return any(word.upper() in folded for word in words.metadata_names)


def _class_of(grid: Grid, words: SurveyWords) -> str | None:
    own = class_of_name(grid.sheet, words) if grid.sheet else None
    return own or class_of_name(Path(grid.file).stem, words)


def _brief(crs: str) -> str:
    """A CRS short enough for a sentence: the text, or the name inside WKT."""
    return crs if len(crs) <= 40 else crs.split('"')[1] if '"' in crs else f"{crs[:37]}..."


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
            "线表 line table",
            "点表 point table",
        )
    ]


def _empty(grid: Grid) -> Finding:
    return Finding(
        "STR-08",
        Severity.WARNING,
        Place(grid.file, grid.sheet),
        f"{grid.name} 没有任何数据。请删除空表或补充数据。",
        f"{grid.name} is empty. Delete the sheet or fill it.",
        "空 empty",
        "表头和数据行 header and rows",
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
        f"{grid.name} 前 20 行没有可识别的点表或线表表头，未读取。"
        "请使用规定列名（如 物探点号、X、Y、地面高程）或提供映射。",
        f"{grid.name} has no header of a point or line table in its first 20 rows and is not "
        "read. Use the known column names (物探点号, X, Y, 地面高程 …) or give a mapping.",
        _first_cells(grid),
        "物探点号, X, Y, 地面高程 …",
    )


def _first_cells(grid: Grid) -> str:
    """What stands in the first row that holds anything, cut short."""
    row = next(r for r in grid.cells.tolist() if any(v is not None for v in r))
    text = ", ".join(str(v) for v in row if v is not None)
    return text if len(text) <= 100 else text[:100] + "…"
