"""Buildings read from the database a piece at a time, in as many processes as one likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.db import bulk
from models.db import tiles_changes as changes
from models.db.connection import Connection
from tiles.content import Content
from tiles.massing import Massing
from tiles.mesh.ragged import I64
from tiles.tilers.base import Batch, KeyIndex, Loader, RefusedFeature
from tiles.tilers.buildings import USUAL_TEXT, BuildingTiler, keys_of
from tiles.tilers.columns import text_cost
from tiles.tilers.frame import LocalFrame
from tiles.tilers.refusals import refused
from tiles.tilers.stored import Connected, Place, pieces, rough_boxes

_COLUMNS: Final = (
    *("key", "dataset_id", "name", "function", "storeys", "height", "height_source"),
    *("base_height", "base_source", "built", "address", "geom"),
)
_TEXTS: Final = {
    "building": ("key", "name", "function", "address"),
    "building_part": ("key", "name", "function", "address", "building_key"),
}
_PART_COLUMNS: Final = (*_COLUMNS, "building_key")
#: Bytes of a tile: a corner with its share of walls, roof and floor, and a row, both after gzip.
_COST: Final = (12, 45)


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
        whole, parts = self._scan("building", whole_rows), self._scan("building_part", part_rows)
        if len(parts):
            whole = whole[~np.isin(whole["row"], self._drawn_by_parts(whole, parts))]
        return self._indexed(whole, parts)

    def index_of(self, keys: I64) -> KeyIndex:
        """The index of features that are known to be drawn, in the order of the whole index."""
        whole = self._scan("building", keys[keys > 0])
        parts = self._scan("building_part", -keys[keys < 0])
        if len(parts):
            self._parts = parts["row"].copy()
            self._owners = changes.owners(self._conn, self._place.twin, self._parts)
        return self._indexed(whole, parts)

    def _scan(self, table: str, rows: I64 | None) -> npt.NDArray[np.void]:
        return bulk.scan_footprints(self._conn, table, self._place.twin, _TEXTS[table], rows)

    def _indexed(self, whole: npt.NDArray[np.void], parts: npt.NDArray[np.void]) -> KeyIndex:
        facts = np.concatenate([whole, parts]) if len(parts) else whole
        keys = np.concatenate([whole["row"], -parts["row"]])
        boxes = _boxes(facts, self._place.local())
        corners = np.maximum(facts["points"] - 1, 3)
        size = _COST[0] * corners + _COST[1]
        size += text_cost(facts["octets"], USUAL_TEXT)
        return KeyIndex(keys, boxes, size, 4 * corners - 4)

    def loader(self) -> Loader:
        """See :meth:`tiles.tilers.base.Source.loader`."""
        known = (self._place, self._parts, self._owners)
        if self._rows is not None:  # few, which this process reads: no other connection is needed
            return _Loader(self._url, None, *known, own=self._conn)
        return _Loader(self._url, bulk.export_snapshot(self._conn), *known)

    def _drawn_by_parts(self, whole: npt.NDArray[np.void], parts: npt.NDArray[np.void]) -> I64:
        """Row numbers of the buildings that a part stands for; notes whose part each part is."""
        owners = pd.Series(dtype=np.int64)
        known = []
        for rows in pieces(whole["row"]):
            table = bulk.read_rows(self._conn, "building", rows, ["key", "dataset_id"])
            known.append(pd.Series(rows, index=keys_of(table, "key")))
        owners = pd.concat(known) if known else owners
        owners = owners[~owners.index.duplicated()]
        drawn = []
        of_part = []
        for rows in pieces(parts["row"]):
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
        for piece in pieces(rows):
            table = bulk.read_rows(self._conn, "building", piece, [])
            self.refused += refused(table["id"], "SKIP-PARTS")
        return rows


@dataclass(slots=True)
class _Loader(Connected):
    """Tiles whole batches: a part may need its building, which is read with it."""

    parts: I64
    owners: I64

    def identity(self, keys: I64) -> bytes:
        """See :meth:`tiles.tilers.base.Identified.identity`: a row says the same for ever, and a
        part tells which building it is of."""
        return keys.tobytes() + self._owners_of(-keys[keys < 0]).tobytes()

    def load(self, keys: I64) -> Batch:
        """See :meth:`tiles.tilers.base.Loader.load`."""
        conn = self.conn
        is_part = keys < 0
        whole = bulk.read_rows(conn, "building", keys[~is_part], _COLUMNS)
        parts = owners = None
        if is_part.any():
            rows = -keys[is_part]
            parts = bulk.read_rows(conn, "building_part", rows, _PART_COLUMNS)
            wanted = np.setdiff1d(self._owners_of(rows), [0])
            owners = bulk.read_rows(conn, "building", wanted, ["key", "dataset_id"])
        place = self.place
        tiler = BuildingTiler(
            place.frame, whole, parts, owners=owners,
            storage=place.storage, n_offset=place.n_offset,
        )  # fmt: skip
        return _Piece(tiler, is_part)

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
    """ENU boxes (n, 6) about right."""
    out = np.empty((len(facts), 6), np.float32)
    for rows in pieces(np.arange(len(facts))):
        some = facts[rows]
        low = np.column_stack([some["west"], some["south"], some["base"]])
        height = np.where(some["height"] > 0, some["height"], 0.0)
        high = np.column_stack([some["east"], some["north"], some["base"] + height])
        out[rows] = rough_boxes(low, high, frame)
    return out
