"""What layers that are read from the database a piece at a time have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from models.crs import STORAGE, StorageCrs
from models.db import bulk
from models.db.connection import Connection, connect
from tiles.content import F64, Content
from tiles.massing import Massing
from tiles.mesh.ragged import I64
from tiles.tilers.base import RefusedFeature, Tiler
from tiles.tilers.frame import LocalFrame

#: Rows read at a time while an index is made.
CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """How the features of a ``twin`` are placed: ``frame`` (4, 4) ENU → ECEF, ``n_offset`` as in
    :func:`models.crs.storage_to_ecef`."""

    twin: str
    frame: F64
    storage: StorageCrs = STORAGE
    n_offset: float = 0.0

    def local(self) -> LocalFrame:
        """The frame over the storage CRS."""
        return LocalFrame(self.frame, self.storage, self.n_offset)


@dataclass(slots=True)
class Connected:
    """Connects when it first reads, and stays connected for the process's life: to the state
    exported as ``snapshot``, or to whatever is there where rows are asked for by number alone.
    Who has a connection (``own``) for a few rows spares another."""

    url: str
    snapshot: str | None
    place: Place
    own: Connection | None = field(default=None, kw_only=True)
    _conn: Connection | None = field(default=None, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)

    @property
    def conn(self) -> Connection:
        """The connection."""
        if self.own is not None:
            return self.own
        if self._conn is None:
            opened = (
                connect(self.url, read_only=True)
                if self.snapshot is None
                else bulk.at_snapshot(self.url, self.snapshot)
            )
            self._conn = self._open.enter_context(opened)
        return self._conn

    def close(self) -> None:
        """End the connection; the next load makes another."""
        self.own = self._conn = None
        self._open.close()


class Drawn(Tiler, Protocol):
    """A tiler that knows how many features it draws, and what they look like from afar."""

    def __len__(self) -> int:
        """Rows of the index."""
        ...

    def massing(self, rows: I64) -> Massing:
        """See :class:`tiles.tilers.base.Generalised`."""
        ...


class Leaves:
    """A :class:`tiles.tilers.base.Batch` that gives each leaf a tiler of its own.

    So a content depends on nothing but its leaf: not on what was read with it, by how many workers,
    or after which change. ``made`` makes the tiler of some rows of ``ids``.
    """

    def __init__(self, ids: Sequence[str], made: Callable[[I64], Drawn]) -> None:
        self.ids = ids
        self.refused: list[RefusedFeature] = []
        self._made = made
        self._last: tuple[I64, Drawn] | None = None

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Batch.content`."""
        tiler = self._made(rows)
        self._last = (rows, tiler)
        content = tiler.content(np.arange(len(tiler)))
        self.refused += tiler.refused
        return content

    def massing(self, rows: I64) -> Massing | None:
        """See :meth:`tiles.tilers.base.Batch.massing`."""
        if self._last is None or not np.array_equal(self._last[0], rows):
            self._last = (rows, self._made(rows))
        tiler = self._last[1]
        return tiler.massing(np.arange(len(tiler)))


def rough_boxes(low: F64, high: F64, frame: LocalFrame) -> npt.NDArray[np.float32]:
    """ENU boxes (n, 6) about right of boxes in the storage CRS, given by their corners (n, 3).

    Turned and scaled, they differ by less than they are wide. What cannot be placed is put at the
    origin; its content will refuse it.
    """
    spans = high - low
    middle = frame.enu(*((low + high) / 2).T)
    sound = np.asarray(np.isfinite(np.hstack([middle, spans])).all(axis=1))
    middle, spans = np.where(sound[:, None], middle, 0), np.where(sound[:, None], spans, 0)
    out: npt.NDArray[np.float32] = np.hstack([middle - spans / 2, middle + spans / 2]).astype(
        np.float32
    )
    return out


def pieces(rows: I64) -> Iterator[I64]:
    """``rows`` some thousand at a time."""
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
