"""A linter of tilesets, ours or others' (3D Tiles 1.0 and 1.1): ``twin tile --check``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tiles.check.checker import Checker
from tiles.check.files import open_files
from tiles.check.report import Limits, Report, Summary

__all__ = ["Limits", "Report", "Summary", "check_tileset"]


def check_tileset(
    path: Path, *, limits: Limits | None = None, expected: Iterable[str] | None = None
) -> Report:
    """Check a folder with ``tileset.json``, a tileset file or a ``.3tz``, offline.

    Every content is decoded and its real geometry compared with the bounding volumes, in ECEF
    metres. ``expected`` are the ids of the features that have to be there. One content is in
    memory at a time (besides 12 bytes a feature); size, depth, number of tiles and seconds are
    bounded by ``limits``, and what is beyond is a finding, TSC-06. Nothing outside the folder is
    opened. :mod:`tiles.check.codes` lists what can be found.

    Raises :class:`tiles.errors.TileNotFoundError` where there is no tileset, and
    :class:`tiles.errors.TilesetError` for a ``.3tz`` that is none.
    """
    return Checker(open_files(path), limits or Limits()).run(expected)
