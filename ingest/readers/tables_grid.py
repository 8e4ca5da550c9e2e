"""A sheet, database table or map layer as a rectangle of cells with a header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ingest.mapping.text import Objects
from ingest.readers.tables_text import Counts
from models.findings import Finding

#: Headers of the columns that a layer's geometry fills, as ``data/pipes.yaml`` knows them. X is the
#: northing, as in survey tables.
POINT_GEOMETRY: Final = ("geom_x", "geom_y", "geom_h")
LINE_GEOMETRY: Final = (
    "geom_from_x",
    "geom_from_y",
    "geom_from_h",
    "geom_to_x",
    "geom_to_y",
    "geom_to_h",
    "geom_via",
)


@dataclass(frozen=True, slots=True)
class Grid:
    """``cells`` (rows, columns) from the first row on.

    ``sheet`` is the worksheet, table or layer; ``None`` for a text file, whose ``fields`` are how
    many each row has, blank ones among them. ``first`` is the number that people know row 0 by: 1
    in a spreadsheet, 0 in tables and layers, where the header is no row and records count from 1.
    ``crs`` is what the file itself says of the geometry's CRS, ``notes`` are findings on what was
    not read. ``cut`` tells that headers may have lost their end.
    """

    file: str
    sheet: str | None
    cells: Objects
    fields: Counts | None = None
    first: int = 1
    crs: str | None = None
    notes: tuple[Finding, ...] = ()
    cut: bool = False

    @property
    def empty(self) -> bool:
        """Whether no cell holds anything."""
        return self.cells.size == 0

    @property
    def workbook(self) -> bool:
        """Whether it is a sheet of a workbook, whose numbers are all of one type."""
        return self.first == 1 and self.fields is None

    @property
    def name(self) -> str:
        """File and sheet in one word."""
        return f"{self.file}[{self.sheet}]" if self.sheet else self.file

    def row(self, index: int) -> int | None:
        """The number of row ``index`` for a person; ``None`` for a header that is no row."""
        return index + self.first or None
