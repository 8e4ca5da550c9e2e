"""Errors of tiling, each with what a user needs to mend it."""

from __future__ import annotations

from models.errors import TwinError


class ContentError(TwinError):
    """What a tiler handed over cannot be encoded: shapes, ids or columns do not fit together."""

    code = "TILE-01"


class StoreError(TwinError):
    """The tile store cannot be read or written."""

    code = "TILE-02"


class TilesetError(TwinError):
    """A tileset or one of its contents is broken when read back."""

    code = "TILE-03"


class TileNotFoundError(StoreError):
    """No file of that name is in the store."""

    code = "TILE-04"


class WorkerError(TwinError):
    """Processes that tile end before their work is done."""

    code = "TILE-10"
