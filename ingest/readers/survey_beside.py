"""Sheets that lie beside the tables of a survey: its statistics (统计表) and check measurements
(重复探查, 开挖验证)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.mapping.header import find_table
from ingest.mapping.words import SurveyWords
from ingest.readers.tables_grid import Grid
from ingest.rules.network import TABLES, Stated, Survey
from ingest.rules.resurvey import Resurvey, read_resurvey
from ingest.rules.totals import split_totals
from models import pipes


@dataclass(frozen=True, slots=True)
class Beside:
    """The sheets that are left, what the statistics state, and the check measurements."""

    grids: tuple[Grid, ...]
    totals: tuple[Stated, ...]
    resurveys: tuple[Resurvey, ...]


def split(
    grids: Sequence[Grid], words: SurveyWords, mapping: Mapping[str, str] | None = None
) -> Beside:
    """Take the sheets beside the tables out of ``grids``. A point table that has columns of check
    measurements is both."""
    rest, totals = split_totals(grids)
    checks = {index: found for index, grid in enumerate(rest) if (found := read_resurvey([grid]))}
    left = [
        grid
        for index, grid in enumerate(rest)
        if index not in checks or _whole(grid, words, mapping)
    ]
    return Beside(tuple(left), totals, tuple(table for own in checks.values() for table in own))


def is_check_table(grid: Grid, words: SurveyWords) -> bool:
    """Whether a sheet holds check measurements and is no table of the survey itself."""
    return bool(read_resurvey([grid])) and not _whole(grid, words, None)


def own_totals(stated: Sequence[Stated], survey: Survey) -> tuple[Stated, ...]:
    """What is stated of this survey.

    A file of statistics may be about a project whose classes are delivered in files of their own.
    Where one that holds no table of this survey states a class that the survey lacks, only the
    classes that it has are taken from it.
    """
    known = pipes.classes()
    codes = {c for name in TABLES for c in survey.values(name, "class_code") if c in known}
    codes |= {known[c].major for c in codes}
    tables = {sheet.file for sheet in survey.sheets}
    lacking = {s.place.file for s in stated if s.class_code and s.class_code not in codes} - tables
    return tuple(s for s in stated if s.place.file not in lacking or s.class_code in codes)


def _whole(grid: Grid, words: SurveyWords, mapping: Mapping[str, str] | None) -> bool:
    """Whether a sheet has all columns that a table of the survey needs."""
    table = find_table(grid.cells, words, mapping, grid.cut)
    return table is not None and not table.missing


__all__ = ["Beside", "is_check_table", "own_totals", "split"]
