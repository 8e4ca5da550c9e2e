"""The contract of a reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.rules.context import NOTHING, CheckContext
from models.features import Delivery


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the person who delivers declares beside the file; each wins over nothing in the file:
    where both speak and differ, the reader refuses with a finding that shows both.

    ``horizontal``/``vertical`` as in :class:`models.features.DatumPassport`; ``encoding`` of text
    (CSV, DBF) where the file does not say; ``layer`` of a container with several; ``profile`` names
    a column-alias profile in :mod:`ingest.mapping`; ``mapping`` adds {source column: canonical
    column}; ``time_limit`` in seconds and ``memory_limit`` in bytes bound readers that run in a
    process of their own; ``context`` is what the rows are checked by and against; ``offset``
    are constants (north, east, height in metres) that were taken off the coordinates and are added
    back; ``up`` (y or z) is the axis of a mesh that points up.
    """

    horizontal: str | None = None
    vertical: str | None = None
    encoding: str | None = None
    layer: str | None = None
    profile: str | None = None
    mapping: dict[str, str] | None = None
    time_limit: float = 600.0
    memory_limit: int = 8 << 30
    offset: tuple[float, float, float] | None = None
    context: CheckContext = NOTHING
    up: str | None = None


class Reader(Protocol):
    """Turns files of one format into a :class:`models.features.Delivery`.

    ``group`` is called once with all paths that the user named and returns those this reader takes,
    as groups that belong together (a point table and its line table; a Shapefile's siblings). It
    judges by content signature, not by name alone, and reads at most a few kilobytes of a file.
    ``read`` gets one group. It raises :class:`ingest.errors.RefusedError` when nothing of the group
    can be used, and otherwise returns rows that are sound with findings for rows that are not; it
    never returns a row that it reports as an error. It opens no network address and writes nothing.
    """

    name: str

    def group(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """The groups of ``paths`` that this reader can read."""
        ...

    def read(self, paths: tuple[Path, ...], options: ReadOptions) -> Delivery:
        """Read one group."""
        ...
