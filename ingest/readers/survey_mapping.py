"""The column mapping of a delivery as it was understood, for the owner to save and correct."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest.isolation import Limits
from ingest.mapping.files import MappingFile
from ingest.mapping.header import Table, find_table
from ingest.mapping.words import profiles, survey_words
from ingest.readers.base import ReadOptions
from ingest.readers.tables import LIMITS, SUFFIXES, peek_grids, read_grids


def proposed(paths: Sequence[Path], options: ReadOptions) -> MappingFile:
    """Every column of the survey tables in ``paths`` with the field it is taken for.

    A column that means different things in different tables is listed once, as the first. Databases
    and drawings are read whole. Raises :class:`ingest.errors.RefusedError` for those that cannot
    be; other files that are no survey are passed over.
    """
    name = options.profile if options.profile in profiles() else None
    words = survey_words(name or "default")
    columns: dict[str, str] = {}
    suggested: dict[str, str] = {}
    unknown: dict[str, None] = {}
    for path in paths:
        kind = SUFFIXES.get(path.suffix.lower())
        limits = Limits(options.time_limit, min(options.memory_limit, LIMITS.memory))
        whole = kind in {"access", "dxf"}
        for grid in read_grids(path, options.encoding, limits) if whole else peek_grids(path):
            table = find_table(grid.cells, words, options.mapping, grid.cut)
            if table is not None:
                _add(table, columns, suggested, unknown)
    suggested = {name: to for name, to in suggested.items() if name not in columns}
    rest = tuple(name for name in unknown if name not in columns and name not in suggested)
    return MappingFile(columns, name, suggested, rest)


def _add(
    table: Table, columns: dict[str, str], suggested: dict[str, str], unknown: dict[str, None]
) -> None:
    for fields in table.columns.values():
        for field, index in fields.items():
            source = table.names[index]
            if source and not field.startswith("geom_"):
                columns.setdefault(source, field)
    suggested |= {guess: field for field, guess in table.missing.items() if guess} | dict(
        table.alike
    )
    unknown |= {n: None for i, n in enumerate(table.names) if n and i not in table.used}
