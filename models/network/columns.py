"""Arrays out of canonical tables: whole columns at a time, absent columns as unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labels:
    """A text column as numbers: ``index`` (k,) into ``names``, -1 where there is none."""

    index: Rows
    names: tuple[str, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, column: str) -> Labels:
        """Number the texts of a column."""
        if column not in frame.columns:
            return cls(np.full(len(frame), -1, np.intp), ())
        index, names = pd.factorize(frame[column].to_numpy(object), use_na_sentinel=True)
        return cls(index.astype(np.intp), tuple(map(str, names)))

    @classmethod
    def none(cls, count: int) -> Labels:
        """``count`` rows without text."""
        return cls(np.full(count, -1, np.intp), ())

    def where(self, wanted: Callable[[str], bool]) -> Mask:
        """Rows whose text is ``wanted``; a row without text is not."""
        table = np.array([*map(wanted, self.names), False], dtype=bool)
        return np.asarray(table[self.index])

    def padded(self, count: int) -> Labels:
        """With rows without text behind, ``count`` in all."""
        more = np.full(count - len(self.index), -1, np.intp)
        return Labels(np.concatenate([self.index, more]), self.names)


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """A numeric column (k,) as floats, NaN where it is null or absent."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[column]).to_numpy(np.float64, na_value=np.nan)


def ends(segments: pd.DataFrame, points: pd.DataFrame) -> tuple[Rows, Rows, int]:
    """Node of either end of every segment, and how many nodes there are.

    Ends are joined by ``from_point_id``/``to_point_id`` where the tables have ids, else by key.
    An end whose point is not in the table gets a node behind the points: the same one wherever the
    same point is named, one of its own where none is named.
    """
    by_id = "from_point_id" in segments.columns and "id" in points.columns
    keys = points["id" if by_id else "key"].to_numpy(object)
    first = ~pd.Series(keys, dtype=object).duplicated().to_numpy()
    rows = np.flatnonzero(first & pd.notna(keys))
    index = pd.Index(keys[rows], dtype=object)
    suffix = "_point_id" if by_id else "_point"
    named = np.concatenate([_text(segments, f"{end}{suffix}") for end in ("from", "to")])
    at = index.get_indexer(pd.Index(named, dtype=object))
    known = (at >= 0) & pd.notna(named)
    nodes = np.full(len(named), -1, np.intp)
    nodes[known] = rows[at[known]]
    # The point's number still tells which absent points are the same one.
    other = np.concatenate([_text(segments, f"{end}_point") for end in ("from", "to")])[~known]
    absent = np.where(pd.notna(named[~known]), named[~known], other)
    number, names = pd.factorize(absent, use_na_sentinel=True)
    nameless = number < 0
    number[nameless] = len(names) + np.arange(nameless.sum())
    nodes[~known] = len(points) + number
    count = len(points) + len(names) + int(nameless.sum())
    return nodes[: len(segments)], nodes[len(segments) :], count


def positions(
    segments: pd.DataFrame, points: pd.DataFrame, tail: Rows, head: Rows, nodes: int
) -> Floats:
    """(nodes, 3) where the nodes are, storage CRS in metres; NaN where nothing tells."""
    xyz = np.full((nodes, 3), np.nan)
    for end, node in ((0, tail), (-1, head)):
        outside = node >= len(points)
        if outside.any():
            geometry = segments["geom"].to_numpy(object)[outside]
            xyz[node[outside]] = _coordinates(shapely.get_point(geometry, end))
    if "geom" in points.columns:
        xyz[: len(points)] = _coordinates(points["geom"].to_numpy(object))
    return xyz


def lengths(segments: pd.DataFrame, tail: Rows, head: Rows, xyz: Floats) -> Floats:
    """(m,) metres along the centre lines, in space where their heights are known.

    Without geometry it is the straight way between the points, and 0 where that is unknown too.
    """
    count = len(segments)
    if "geom" not in segments.columns:
        out = np.full(count, np.nan)
    else:
        geometry = segments["geom"].to_numpy(object)
        at, row = shapely.get_coordinates(geometry, include_z=True, return_index=True)
        step = np.nan_to_num(np.diff(at, axis=0))
        same = row[1:] == row[:-1]
        long = np.sqrt((step[same] ** 2).sum(axis=1))
        out = np.bincount(row[1:][same], weights=long, minlength=count).astype(np.float64)
        out[~np.isin(np.arange(count), row)] = np.nan
    unknown = np.isnan(out)
    if unknown.any():
        straight = xyz[head[unknown]] - xyz[tail[unknown]]
        out[unknown] = np.nan_to_num(np.hypot(straight[:, 0], straight[:, 1]))
    return out


def _text(frame: pd.DataFrame, column: str) -> npt.NDArray[Any]:
    if column not in frame.columns:
        return np.full(len(frame), None, object)
    return frame[column].to_numpy(object)


def _coordinates(geometry: npt.NDArray[Any]) -> Floats:
    """(k, 3) of points, NaN for those that are missing."""
    xyz = np.full((len(geometry), 3), np.nan)
    at, row = shapely.get_coordinates(geometry, include_z=True, return_index=True)
    xyz[row] = at
    return xyz
