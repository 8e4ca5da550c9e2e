"""BIM elements read from the database a piece at a time, in as many processes as one likes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from models.db import bulk, tiles_scan
from models.db.connection import Connection
from models.db.meshes import read_meshes
from models.features import TriangleMesh
from tiles.mesh.ragged import I64
from tiles.tilers.base import Batch, KeyIndex, Loader, RefusedFeature
from tiles.tilers.bim import COST, READ, TEXTS, USUAL_TEXT, BimTiler
from tiles.tilers.bim_bodies import Part, Parts
from tiles.tilers.columns import text_cost
from tiles.tilers.refusals import refused
from tiles.tilers.stored import Connected, Leaves, Place, pieces, rough_boxes
from tiles.tilers.style import default_style

#: Why :func:`models.db.tiles_scan.elements` leaves elements out.
_FAULTS: Final = {1: "SKIP-CLASS", 2: "SKIP-BODY"}
#: Triangles of meshes that a process keeps for its next leaves: about 100 bytes each.
_KEPT: Final = 500_000


class StoredBim:
    """:class:`tiles.tilers.base.Source` of the BIM elements that ``conn`` sees now.

    ``conn`` is in a transaction (:func:`models.db.read.snapshot`) that stays open until the layer
    is built. A key is a row number; the index comes from boxes and what meshes count, these are
    read for one leaf after the other. With ``rows`` the layer is these rows, whenever they were
    true; a snapshot is not needed then.
    """

    layer = "bim"

    def __init__(self, conn: Connection, url: str, place: Place, rows: I64 | None = None) -> None:
        self.frame = place.frame
        self.refused: list[RefusedFeature] = []
        self._conn, self._url, self._place, self._rows = conn, url, place, rows

    def index(self) -> KeyIndex:
        """See :meth:`tiles.tilers.base.Source.index`."""
        return self._indexed(self._rows)

    def index_of(self, keys: I64) -> KeyIndex:
        """The index of the elements of ``keys`` that are to be drawn, in the order of the whole
        index."""
        return self._indexed(keys)

    def loader(self) -> Loader:
        """See :meth:`tiles.tilers.base.Source.loader`."""
        if self._rows is not None:  # few, which this process reads: no other connection is needed
            return _Loader(self._url, None, self._place, own=self._conn)
        return _Loader(self._url, bulk.export_snapshot(self._conn), self._place)

    def _indexed(self, rows: I64 | None) -> KeyIndex:
        style = default_style("bim")
        hidden = style["hidden"]
        indexes, left = [], []
        for facts in tiles_scan.elements(self._conn, self._place.twin, hidden, TEXTS, rows):
            left.append(facts[["row", "fault"]][facts["fault"] > 0])
            own = facts[facts["fault"] == 0]
            low = np.column_stack([own[name] for name in ("west", "south", "low")])
            high = np.column_stack([own[name] for name in ("east", "north", "high")])
            triangles = own["triangles"].astype(np.int64)
            whole = COST[0] * own["vertices"].astype(np.int64) + COST[1] * triangles
            shared = own["uses"] >= style["instances"]["uses"]
            size = np.where(shared, COST[3], whole) + COST[2]
            size += text_cost(own["octets"], USUAL_TEXT)
            boxes = rough_boxes(low, high, self._place.local())
            indexes.append(KeyIndex(own["row"], boxes, size, triangles))
        self._leave_out(np.concatenate(left))
        return KeyIndex(
            np.concatenate([one.keys for one in indexes]),
            np.concatenate([one.boxes for one in indexes]),
            np.concatenate([one.bytes for one in indexes]),
            np.concatenate([one.triangles for one in indexes]),
        )

    def _leave_out(self, found: npt.NDArray[np.void]) -> None:
        for fault, code in _FAULTS.items():
            for rows in pieces(found["row"][found["fault"] == fault]):
                table = bulk.read_rows(self._conn, "bim_element", rows, [])
                self.refused += refused(table["id"], code)


@dataclass(slots=True)
class _Loader(Connected):
    _kept: OrderedDict[str, TriangleMesh] = field(default_factory=OrderedDict, init=False)
    _parts: Parts = field(default_factory=dict[tuple[str, str | None], list[Part]], init=False)

    def identity(self, keys: I64) -> bytes:
        """See :meth:`tiles.tilers.base.Identified.identity`: a row says the same for ever, and the
        key of a mesh is the digest of what it holds."""
        return keys.tobytes()

    def load(self, keys: I64) -> Batch:
        """See :meth:`tiles.tilers.base.Loader.load`."""
        elements = bulk.read_rows(self.conn, "bim_element", keys, READ)
        place = self.place

        def made(rows: I64) -> BimTiler:
            own = elements.take(rows).reset_index(drop=True)
            return BimTiler(
                place.frame, own, self._meshes(list(own["mesh"].dropna().unique())),
                storage=place.storage, n_offset=place.n_offset, parts=self._parts,
            )  # fmt: skip

        return Leaves(elements["id"].tolist(), made)

    def _meshes(self, keys: list[str]) -> dict[str, TriangleMesh]:
        """The meshes ``keys``; those used last are kept as far as there is room."""
        self._kept.update(read_meshes(self.conn, [key for key in keys if key not in self._kept]))
        found = {key: self._kept[key] for key in keys if key in self._kept}
        for key in found:
            self._kept.move_to_end(key)
        room = _KEPT - sum(len(mesh.indices) for mesh in self._kept.values())
        while room < 0 and len(self._kept) > len(found):
            gone, mesh = self._kept.popitem(last=False)
            room += len(mesh.indices)
            for body in [body for body in self._parts if body[0] == gone]:
                del self._parts[body]
        return found
