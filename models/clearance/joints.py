"""Where pipes meet: numbers for the ends of segments, one for all points of a chamber."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.object_]

#: 井内连线: what joins points inside a chamber.
INSIDE_CHAMBER: Final = "井内连线"


def joints(segments: pd.DataFrame, points: pd.DataFrame | None, geoms: Words) -> I64:
    """Numbers (s, 2) of both ends of every segment, -1 where it has no line in ``geoms``.

    Ends are the same where their point ids are, else their point numbers in one dataset, else their
    coordinates. The ends of a link inside a chamber (井内连线) are one, and so are a point and the
    one that it names as its offset point (偏心井位).
    """
    names = np.concatenate([_names(segments, geoms, side) for side in ("from", "to")])
    codes, words = pd.factorize(names)
    ends = codes.astype(np.int64).reshape(2, -1).T
    inside = column(segments, "embed") == INSIDE_CHAMBER
    pairs = np.concatenate([ends[inside], _offsets(points, pd.Index(words))])
    if len(pairs):
        graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(words), len(words)))
        chamber = connected_components(graph, directed=False)[1].astype(np.int64)
        ends = chamber[ends]
    missing = np.asarray(shapely.is_missing(geoms) | shapely.is_empty(geoms))
    return np.where(missing[:, None], -1, ends)


def rows_of_points(segments: pd.DataFrame, points: pd.DataFrame) -> I64:
    """Rows (2, s) of ``points`` at both ends of every segment, -1 where there is none: by id, else
    by key, else by number."""
    out = np.full((2, len(segments)), -1, np.int64)
    for theirs, ours in (("id", "point_id"), ("key", "point"), ("exp_no", "point")):
        if theirs not in points.columns or (out >= 0).all():
            continue
        index = pd.Index(_named(points, theirs, ours), dtype=object)
        first = np.flatnonzero(~index.duplicated())
        index = index[first]
        for row, side in enumerate(("from", "to")):
            open_ = np.flatnonzero((out[row] < 0) & pd.notna(column(segments, f"{side}_{ours}")))
            names = _named(segments.iloc[open_], f"{side}_{ours}", ours)
            at = index.get_indexer(pd.Index(names, dtype=object))
            out[row, open_[at >= 0]] = first[at[at >= 0]]
    return out


def numbers(table: pd.DataFrame, name: str) -> F64:
    """A column as floats, NaN where null or absent."""
    if name not in table.columns:
        return np.full(len(table), np.nan)
    values: Any = pd.to_numeric(table[name], errors="coerce")
    out: F64 = values.to_numpy(np.float64, na_value=np.nan)
    return out.copy()


def column(table: pd.DataFrame, name: str) -> Words:
    """A column as objects, ``None`` where null or absent."""
    if name not in table.columns:
        return np.full(len(table), None, object)
    out = np.array(table[name], object)
    out[pd.isna(out)] = None
    return out


def _names(segments: pd.DataFrame, geoms: Words, side: str) -> Words:
    number, ident = column(segments, f"{side}_point"), column(segments, f"{side}_point_id")
    numbered, known = pd.notna(number), pd.notna(ident)
    name = np.full(len(segments), "", object)
    bare = ~numbered & ~known
    at = shapely.get_point(geoms[bare], 0 if side == "from" else -1)
    name[bare] = np.asarray(shapely.to_wkb(at, hex=True), object).astype(str)
    name[numbered] = _named(segments[numbered], f"{side}_point", "point")
    name[known] = ident[known].astype(str)
    return name


def _named(table: pd.DataFrame, name: str, ours: str) -> Words:
    """Ids as text, or point numbers behind their dataset."""
    words = column(table, name).astype(str).astype(object)
    if ours == "point_id":
        return words
    dataset = column(table, "dataset_id").astype(str).astype(object)
    return np.asarray(dataset + "\x1f" + words, object)


def _offsets(points: pd.DataFrame | None, words: Any) -> I64:
    """Pairs (k, 2) of ends: a point and the one that it names as its offset point."""
    if points is None or "offset_point" not in points.columns:
        return np.empty((0, 2), np.int64)
    some = points[points["offset_point"].notna().to_numpy(bool)]
    found = np.full((2, len(some)), -1, np.int64)
    for theirs, ours in (("exp_no", "point"), ("key", "point"), ("id", "point_id")):
        if theirs in some.columns:
            at = words.get_indexer(pd.Index(_named(some, theirs, ours)))
            found[0] = np.where(at >= 0, at, found[0])
    number = pd.Index(_named(points, "exp_no", "point"))
    first = np.flatnonzero(~number.duplicated())
    target = number[first].get_indexer(pd.Index(_named(some, "offset_point", "point")))
    rows = np.append(first, -1)[target]
    for theirs, ours in (("exp_no", "point"), ("key", "point"), ("id", "point_id")):
        if theirs in points.columns:
            at = words.get_indexer(pd.Index(_named(points.iloc[rows], theirs, ours)))
            found[1] = np.where((rows >= 0) & (at >= 0), at, found[1])
    pairs: I64 = found.T[(found >= 0).all(axis=0)]
    return pairs
