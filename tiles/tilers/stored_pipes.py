"""Pipes read from the database a piece at a time, in as many processes as one likes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.db import bulk, tiles_scan
from models.db.connection import Connection
from tiles.content import F32, F64
from tiles.mesh.path import RESOLUTION
from tiles.mesh.ragged import I64
from tiles.tilers import pipe_points, pipe_segments
from tiles.tilers.base import Batch, KeyIndex, Loader, RefusedFeature
from tiles.tilers.columns import Rows, text_cost
from tiles.tilers.frame import LocalFrame
from tiles.tilers.pipe_ends import Ends, Joints
from tiles.tilers.pipe_sizes import Sizes, sizes
from tiles.tilers.pipes import COST, READ, TEXTS, USUAL_TEXT, PipeTiler
from tiles.tilers.stored import Connected, Leaves, Place, rough_boxes
from tiles.tilers.style import Style, default_style

#: A point is one body or two, of about so many triangles together.
_BODIES: Final = (2, 88)
_Facts = npt.NDArray[np.void]


class StoredPipes:
    """:class:`tiles.tilers.base.Source` of the pipe segments and points that ``conn`` sees now.

    ``conn`` is in a transaction (:func:`models.db.read.snapshot`) that stays open until the layer
    is built, so that every worker, which connects to ``url`` itself, sees the same state. A key is
    a row number, negative for a point. How deep and wide a point is follows from the segments that
    end there, in whichever tile they are; that is read with the index. With ``rows``, of segments
    and points, the layer is these rows, whenever they were true; a snapshot is not needed then.
    """

    layer = "pipes"

    def __init__(
        self, conn: Connection, url: str, place: Place, rows: tuple[I64, I64] | None = None
    ) -> None:
        self.frame = place.frame
        self.refused: list[RefusedFeature] = []
        self._conn, self._url, self._place = conn, url, place
        self._rows = rows
        self._joints = Joints.of(np.empty(0, np.int64), np.empty((0, 4), np.float32))

    def index(self) -> KeyIndex:
        """See :meth:`tiles.tilers.base.Source.index`."""
        segments, points = self._rows or (None, None)
        return self._indexed(segments, points, segments, points)

    def index_of(self, keys: I64) -> KeyIndex:
        """The index of features that are true now, in the order of the whole index."""
        segments, points = keys[keys > 0], -keys[keys < 0]
        near = tiles_scan.joined_segments(self._conn, points)
        return self._indexed(segments, points, np.union1d(segments, near), None)

    def loader(self) -> Loader:
        """See :meth:`tiles.tilers.base.Source.loader`."""
        if self._rows is not None:  # few, which this process reads: no other connection is needed
            return _Loader(self._url, None, self._place, self._joints, own=self._conn)
        return _Loader(self._url, bulk.export_snapshot(self._conn), self._place, self._joints)

    def _indexed(
        self, segments: I64 | None, points: I64 | None, read: I64 | None, present: I64 | None
    ) -> KeyIndex:
        """The index of ``segments`` and ``points``, where the segments ``read`` end at those points
        that are ``present``; None is all that are true now."""
        frame, twin, style = self._place.local(), self._place.twin, default_style("pipes")
        indexes = []
        joints: list[list[tuple[I64, F32]]] = [[], []]
        for facts in tiles_scan.segments(self._conn, twin, TEXTS["pipe_segment"], read, present):
            size = _sizes(facts)
            for held, one in zip(joints, _ends(facts, size, frame), strict=True):
                held.append(one)
            own = np.ones(len(facts), bool) if segments is None else np.isin(facts["row"], segments)
            indexes.append(_of_segments(facts, size, own, self._place))
        every = [one for side in joints for one in side]  # all first ends before all last ones
        self._joints = Joints.of(
            np.concatenate([point for point, _ in every]),
            np.concatenate([said for _, said in every]),
        )
        for facts in tiles_scan.points(self._conn, twin, TEXTS["pipe_point"], points):
            said = self._joints.at(facts["row"])
            indexes.append(_of_points(facts, Ends(*said.T.astype(np.float64)), self._place, style))
        return KeyIndex(
            np.concatenate([one.keys for one in indexes]),
            np.concatenate([one.boxes for one in indexes]),
            np.concatenate([one.bytes for one in indexes]),
            np.concatenate([one.triangles for one in indexes]),
        )


@dataclass(slots=True)
class _Loader(Connected):
    joints: Joints

    def identity(self, keys: I64) -> bytes:
        """See :meth:`tiles.tilers.base.Identified.identity`: a row says the same for ever, and a
        point what is said at it."""
        return keys.tobytes() + self.joints.at(-keys[keys < 0]).tobytes()

    def load(self, keys: I64) -> Batch:
        """See :meth:`tiles.tilers.base.Loader.load`."""
        is_point = keys < 0
        rows = (keys[~is_point], -keys[is_point])
        segments = bulk.read_rows(self.conn, "pipe_segment", rows[0], READ["pipe_segment"])
        points = bulk.read_rows(self.conn, "pipe_point", rows[1], READ["pipe_point"])
        said = self.joints.at(rows[1]).astype(np.float64)
        place = self.place
        number = np.where(is_point, np.cumsum(is_point), np.cumsum(~is_point)) - 1
        ids = np.empty(len(keys), object)
        ids[~is_point], ids[is_point] = segments["id"], points["id"]
        line, spot = Rows.of(segments), Rows.of(points)

        def made(of: I64) -> PipeTiler:
            lines, spots = number[of[~is_point[of]]], number[of[is_point[of]]]
            return PipeTiler(
                place.frame, line.take(lines), spot.take(spots),
                storage=place.storage, n_offset=place.n_offset, end=Ends(*said[spots].T),
            )  # fmt: skip

        return Leaves(ids.tolist(), made)


def _sizes(facts: _Facts) -> Sizes:
    shapes = np.array(tiles_scan.SHAPES, object)
    names = [name for name in facts.dtype.names or () if name.endswith("_mm")]
    table = {"shape": shapes[facts["shape"]], **{name: facts[name] for name in names}}
    return sizes(pd.DataFrame(table), default_style("pipes"))


def _corners(facts: _Facts) -> tuple[F64, F64]:
    low = np.column_stack([facts[name] for name in ("west", "south", "low")])
    return low, np.column_stack([facts[name] for name in ("east", "north", "high")])


def _ends(facts: _Facts, size: Sizes, frame: LocalFrame) -> list[tuple[I64, F32]]:
    """What segments say at their first ends, and at their last: the point's row, and axis, bottom,
    diameter and yaw as in :class:`Ends`."""
    names = ("first", "second", "last_but_one", "last")
    enu = {name: frame.enu(*facts[name].T) for name in ("first", "last")}
    enu["second"], enu["last_but_one"] = enu["last"].copy(), enu["first"].copy()
    bent = facts["count"] > 2
    for name in ("second", "last_but_one"):
        enu[name][bent] = frame.enu(*facts[name][bent].T)
    low, high = _corners(facts)
    sound = np.isfinite(np.hstack([enu[name] for name in names])).all(axis=1)
    sound &= np.linalg.norm(high - low, axis=1) >= RESOLUTION
    out = []
    for side, tip, a, b in (("from", "first", *names[:2]), ("to", "last", *names[2:])):
        axis, step = facts[tip][:, 2], enu[b] - enu[a]
        said = np.column_stack(
            [
                axis,
                axis - size.height / 2,
                np.minimum(size.width, size.height),
                np.arctan2(step[:, 1], step[:, 0]),
            ]
        )
        known = sound & (facts[side] > 0)
        out.append((facts[side][known], said[known].astype(np.float32)))
    return out


def _of_segments(facts: _Facts, size: Sizes, own: npt.NDArray[np.bool_], place: Place) -> KeyIndex:
    """The index of the segments ``own`` of ``facts``."""
    boxes = rough_boxes(*_corners(facts[own]), place.local())
    reach = pipe_segments.reaches(size, facts["count"] > 2, slice(None))[own, None]
    form = pipe_segments.form_of(size, default_style("pipes"))[own]
    straight = np.maximum(facts["count"][own].astype(np.int64) - 1, 0)
    vertices, triangles = pipe_segments.counts(straight, form)
    return KeyIndex(
        facts["row"][own],
        np.hstack([boxes[:, :3] - reach, boxes[:, 3:] + reach]).astype(np.float32),
        COST[0] * vertices
        + COST[1] * triangles
        + (COST[2] + text_cost(facts["octets"][own], USUAL_TEXT)),
        triangles,
    )


def _of_points(facts: _Facts, end: Ends, place: Place, style: Style) -> KeyIndex:
    ground = np.where(np.isfinite(facts["z"]), facts["z"], facts["ground_h"])
    bottom = ground - facts["well_bottom_h"]
    depth = np.where(facts["well_depth"] > 0, facts["well_depth"], bottom)
    around, down, up = pipe_points.reaches(ground, depth, end, style)
    spot = np.column_stack([facts["x"], facts["y"], ground])
    low = spot - np.column_stack([around, around, down])
    high = spot + np.column_stack([around, around, up])
    count = len(facts)
    return KeyIndex(
        -facts["row"],
        rough_boxes(low, high, place.local()),
        COST[3] * _BODIES[0] + COST[2] + text_cost(facts["octets"], USUAL_TEXT),
        np.full(count, _BODIES[1]),
    )
