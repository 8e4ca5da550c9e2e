"""Buildings read from the database a piece at a time, in as many processes as one likes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.crs import STORAGE, StorageCrs
from models.db import bulk
from models.db import tiles_changes as changes
from models.db.connection import Connection, connect
from tiles.content import F64, Content
from tiles.massing import Massing
from tiles.mesh.ragged import I64
from tiles.tilers.base import Batch, KeyIndex, Loader, RefusedFeature
from tiles.tilers.buildings import BuildingTiler, keys_of
from tiles.tilers.frame import LocalFrame
from tiles.tilers.refusals import refused

_COLUMNS: Final = (
    *("key", "dataset_id", "name", "function", "storeys", "height", "height_source"),
    *("base_height", "base_source", "built", "address", "geom"),
)
_PART_COLUMNS: Final = (*_COLUMNS, "building_key")
#: Bytes of a tile: a corner with its share of walls, roof and floor, and a row, both after gzip.
_COST: Final = (12, 45)
#: Rows read at a time while parts are looked at.
_CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """How the buildings of a ``twin`` are placed: as in :class:`BuildingTiler`."""

    twin: str
    frame: F64
    storage: StorageCrs = STORAGE
    n_offset: float = 0.0


class StoredBuildings:
    """:class:`tiles.tilers.base.Source` of the buildings and parts that ``conn`` sees now.

    ``conn`` is in a transaction (:func:`models.db.read.snapshot`) that stays open until the layer
    is built, so that every worker, which connects to ``url`` itself, sees the same state. The
    index comes from boxes and numbers of points; only parts, which decide whether their building
    is drawn, are read twice. A key is a row number, negative for a part. With ``rows``, of the two
    tables, the layer is these rows, whenever they were true; a snapshot is not needed then, since
    what a row says never changes.
    """

    layer = "buildings"

    def __init__(
        self, conn: Connection, url: str, place: Place, rows: tuple[I64, I64] | None = None
    ) -> None:
        self.frame = place.frame
        self.refused: list[RefusedFeature] = []
        self._conn, self._url, self._place = conn, url, place
        self._rows = rows
        self._parts = self._owners = np.empty(0, np.int64)

    def index(self) -> KeyIndex:
        """See :meth:`tiles.tilers.base.Source.index`."""
        whole_rows, part_rows = self._rows or (None, None)
        whole = bulk.scan_footprints(self._conn, "building", self._place.twin, whole_rows)
        parts = bulk.scan_footprints(self._conn, "building_part", self._place.twin, part_rows)
        if len(parts):
            whole = whole[~np.isin(whole["row"], self._drawn_by_parts(whole, parts))]
        return self._indexed(whole, parts)

    def index_of(self, keys: I64) -> KeyIndex:
        """The index of features that are known to be drawn, in the order of the whole index."""
        twin, rows = self._place.twin, (keys[keys > 0], -keys[keys < 0])
        whole = bulk.scan_footprints(self._conn, "building", twin, rows[0])
        parts = bulk.scan_footprints(self._conn, "building_part", twin, rows[1])
        if len(parts):
            self._parts = parts["row"].copy()
            self._owners = changes.owners(self._conn, twin, self._parts)
        return self._indexed(whole, parts)

    def _indexed(self, whole: npt.NDArray[np.void], parts: npt.NDArray[np.void]) -> KeyIndex:
        facts = np.concatenate([whole, parts]) if len(parts) else whole
        keys = np.concatenate([whole["row"], -parts["row"]])
        boxes = _boxes(facts, LocalFrame(self.frame, self._place.storage, self._place.n_offset))
        corners = np.maximum(facts["points"] - 1, 3)
        size = _COST[0] * corners + _COST[1]
        return KeyIndex(keys, boxes, size, 4 * corners - 4)

    def loader(self) -> Loader:
        """See :meth:`tiles.tilers.base.Source.loader`."""
        snapshot = None if self._rows is not None else bulk.export_snapshot(self._conn)
        return _Loader(self._url, snapshot, self._place, self._parts, self._owners)

    def _drawn_by_parts(self, whole: npt.NDArray[np.void], parts: npt.NDArray[np.void]) -> I64:
        """Row numbers of the buildings that a part stands for; notes whose part each part is."""
        owners = pd.Series(dtype=np.int64)
        known = []
        for rows in _pieces(whole["row"]):
            table = bulk.read_rows(self._conn, "building", rows, ["key", "dataset_id"])
            known.append(pd.Series(rows, index=keys_of(table, "key")))
        owners = pd.concat(known) if known else owners
        owners = owners[~owners.index.duplicated()]
        drawn = []
        of_part = []
        for rows in _pieces(parts["row"]):
            table = bulk.read_rows(self._conn, "building_part", rows, _PART_COLUMNS)
            tiler = BuildingTiler(
                self.frame, table.iloc[:0], table,
                storage=self._place.storage, n_offset=self._place.n_offset,
            )  # fmt: skip
            owner = owners.reindex(keys_of(table, "building_key")).fillna(0).to_numpy(np.int64)
            of_part.append(owner)
            drawn.append(owner[tiler.places() >= 0])
        self._parts, self._owners = parts["row"], np.concatenate(of_part)
        rows = np.setdiff1d(np.concatenate(drawn), [0])
        for piece in _pieces(rows):
            table = bulk.read_rows(self._conn, "building", piece, [])
            self.refused += refused(table["id"], "SKIP-PARTS")
        return rows


@dataclass(slots=True)
class _Loader:
    """Connects when it first loads, and stays connected for the process's life."""

    url: str
    snapshot: str | None
    place: Place
    parts: I64
    owners: I64
    _conn: Connection | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    def identity(self, keys: I64) -> bytes:
        """See :meth:`tiles.tilers.base.Identified.identity`: a row says the same for ever, and a
        part tells which building it is of."""
        return keys.tobytes() + self._owners_of(-keys[keys < 0]).tobytes()

    def load(self, keys: I64) -> Batch:
        """See :meth:`tiles.tilers.base.Loader.load`."""
        if self._conn is None:
            opened = (
                connect(self.url, read_only=True)
                if self.snapshot is None
                else bulk.at_snapshot(self.url, self.snapshot)
            )
            self._conn = self._open.enter_context(opened)
        is_part = keys < 0
        whole = bulk.read_rows(self._conn, "building", keys[~is_part], _COLUMNS)
        parts = owners = None
        if is_part.any():
            rows = -keys[is_part]
            parts = bulk.read_rows(self._conn, "building_part", rows, _PART_COLUMNS)
            wanted = np.setdiff1d(self._owners_of(rows), [0])
            owners = bulk.read_rows(self._conn, "building", wanted, ["key", "dataset_id"])
        place = self.place
        tiler = BuildingTiler(
            place.frame, whole, parts, owners=owners,
            storage=place.storage, n_offset=place.n_offset,
        )  # fmt: skip
        return _Piece(tiler, is_part)

    def close(self) -> None:
        """End the connection; the next load makes another."""
        self._conn = None
        self._open.close()

    def _owners_of(self, parts: I64) -> I64:
        """Row of the building of each of the rows ``parts`` (k,), 0 without one."""
        if not len(parts):
            return parts
        order = np.argsort(self.parts)
        found: I64 = self.owners[order[np.searchsorted(self.parts, parts, sorter=order)]]
        return found


class _Piece:
    """A tiler over some features, asked for by their place among the keys."""

    def __init__(self, tiler: BuildingTiler, is_part: npt.NDArray[np.bool_]) -> None:
        self.refused = tiler.refused
        order = np.argsort(np.argsort(is_part, kind="stable"))  # the tiler has parts last
        self._tiler = tiler
        self._places = tiler.places()[order]
        self.ids: Sequence[str] = tiler.ids(order)

    def content(self, rows: I64) -> Content:
        """See :meth:`tiles.tilers.base.Batch.content`."""
        return self._tiler.content(self._drawn(rows))

    def massing(self, rows: I64) -> Massing | None:
        """See :meth:`tiles.tilers.base.Batch.massing`."""
        return self._tiler.massing(self._drawn(rows))

    def _drawn(self, rows: I64) -> I64:
        places = self._places[rows]
        return places[places >= 0]


def _boxes(facts: npt.NDArray[np.void], frame: LocalFrame) -> npt.NDArray[np.float32]:
    """ENU boxes (n, 6) about right: turned and scaled footprints differ by less than they are wide.

    What cannot be placed is put at the origin; its content will refuse it.
    """
    out = np.empty((len(facts), 6), np.float32)
    for piece in _pieces(np.arange(len(facts))):
        some = facts[piece]
        height = np.where(some["height"] > 0, some["height"], 0.0)
        spans = np.column_stack(
            [some["east"] - some["west"], some["north"] - some["south"], height]
        )
        middle = frame.enu(
            (some["west"] + some["east"]) / 2,
            (some["south"] + some["north"]) / 2,
            some["base"] + height / 2,
        )
        sound = np.isfinite(middle).all(axis=1) & np.isfinite(spans).all(axis=1)
        middle, spans = np.where(sound[:, None], middle, 0), np.where(sound[:, None], spans, 0)
        out[piece] = np.hstack([middle - spans / 2, middle + spans / 2])
    return out


def _pieces(rows: I64) -> Iterator[I64]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
