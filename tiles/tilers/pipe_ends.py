"""What the segments say at their points: depth, thickness and direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from tiles.content import F32, F64
from tiles.mesh.ragged import I64
from tiles.tilers.columns import Frame, texts
from tiles.tilers.pipe_segments import Lines
from tiles.tilers.pipe_sizes import Sizes


@dataclass(frozen=True, slots=True)
class Ends:
    """What the segments say at each of p points, NaN where none ends.

    ``axis`` the lowest centre line and ``bottom`` the lowest pipe bottom (1985 heights);
    ``diameter`` the thickest pipe (metres, of a box its lesser side); ``yaw`` the direction of one
    segment in plan (radians, counter-clockwise from east).
    """

    axis: F64
    bottom: F64
    diameter: F64
    yaw: F64


@dataclass(frozen=True, slots=True)
class Joints:
    """:class:`Ends` of many points at 24 bytes each: ``point`` (p,) ascending row numbers, and
    ``said`` (p, 4) axis, bottom, diameter, yaw."""

    point: I64
    said: F32

    @classmethod
    def of(cls, point: I64, said: F32) -> Joints:
        """From ``said`` (n, 4) by one end of a segment each, at ``point`` (n,); the first at a
        point gives its direction."""
        order = np.argsort(point, kind="stable")
        rows, first = np.unique(point[order], return_index=True)
        if not len(rows):
            return cls(rows, np.empty((0, 4), np.float32))
        axis, bottom, diameter, yaw = said[order].T
        columns = (
            np.minimum.reduceat(axis, first),
            np.minimum.reduceat(bottom, first),
            np.maximum.reduceat(diameter, first),
            yaw[first],
        )
        return cls(rows, np.column_stack(columns))

    def at(self, point: I64) -> F32:
        """What is said (k, 4) at the rows ``point`` (k,), NaN where nothing is."""
        out = np.full((len(point), 4), np.nan, np.float32)
        if len(self.point):
            place = np.minimum(np.searchsorted(self.point, point), len(self.point) - 1)
            known = self.point[place] == point
            out[known] = self.said[place[known]]
        return out


def ends(points: Frame, segments: Frame, line: Lines, size: Sizes) -> Ends:
    """Connect ``segments`` to ``points`` by point id, else by survey number within a dataset."""
    first, last = line.starts[:-1], line.starts[1:] - 1
    drawn = np.flatnonzero(last > first)
    first, last = first[drawn], last[drawn]
    at = np.concatenate([_joined(points, segments, side)[drawn] for side in ("from", "to")])
    step = np.concatenate(
        [line.enu[first + 1] - line.enu[first], line.enu[last] - line.enu[last - 1]]
    )
    axis = np.concatenate([line.height[first], line.height[last]])
    tall = np.tile(size.height[drawn], 2)
    thick = np.tile(np.minimum(size.width, size.height)[drawn], 2)
    known = np.flatnonzero(at >= 0)
    table = pd.DataFrame(
        {
            "axis": axis[known],
            "bottom": axis[known] - tall[known] / 2,
            "diameter": thick[known],
            "yaw": np.arctan2(step[known, 1], step[known, 0]),
        }
    ).groupby(at[known])
    found = table.agg({"axis": "min", "bottom": "min", "diameter": "max", "yaw": "first"})
    found = found.reindex(np.arange(len(points)))
    return Ends(
        *(found[name].to_numpy(np.float64) for name in ("axis", "bottom", "diameter", "yaw"))
    )


def _joined(points: Frame, segments: Frame, side: str) -> I64:
    """The point row at one end of each segment, -1 for none."""
    by_id = _places(texts(points, "id"), texts(segments, f"{side}_point_id"))
    number = _places(_in_dataset(points, "exp_no"), _in_dataset(segments, f"{side}_point"))
    return np.where(by_id >= 0, by_id, number)


def _in_dataset(table: Frame, name: str) -> npt.NDArray[np.object_]:
    out = texts(table, name)
    known = np.flatnonzero(out != None)  # noqa: E711 - element by element
    owner = texts(table, "dataset_id")
    out[known] = [f"{owner[k] or ''}\x1f{out[k]}" for k in known]
    return out


def _places(listed: npt.NDArray[np.object_], wanted: npt.NDArray[np.object_]) -> I64:
    """Where each wanted key is first listed; -1 for none."""
    index = pd.Series(np.arange(len(listed)), index=pd.Index(listed, dtype=object))
    index = index[index.index.notna() & ~index.index.duplicated()]
    out: I64 = index.reindex(pd.Index(wanted, dtype=object)).fillna(-1).to_numpy(np.int64)
    return out
