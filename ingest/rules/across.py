"""Checks between the deliveries of one command: what no file alone can show.

A delivery is often handed in as several files, one class or one map sheet each. Clashes, clearances
(CLS-01, CLS-02, TOP-04), edges that do not match (TOP-06) and lines that two files hold (LN-02) are
looked for between them by the rules of the packs and the kernels that check a single file. Told
are pairs of different deliveries only; within one they have been told already.

Here nothing is refused: a certain clash is a warning in both deliveries (rule ``CLS-01.across``).
Whether a file can be stored must not depend on what else is handed in with it, nobody knows which
of two surveys is wrong, and the one may be years younger than the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ingest.mapping.words import profiles, survey_words
from ingest.rules.clash import DELIVERY, JOINT
from ingest.rules.context import CheckContext
from ingest.rules.engine import run
from ingest.rules.network import Rows, Sheet, Survey
from ingest.rules.pack import load_packs
from ingest.rules.topology_tables import LINE_NUMBERS, LINE_TEXT, POINT_TEXT, majors
from ingest.transform import Transform
from models.clearance.joints import column, numbers
from models.crs import STORAGE, StorageCrs
from models.features import Delivery
from models.findings import Finding

#: Checks that are about two lines or two points; of their rules those that refuse are left out.
BETWEEN: Final = frozenset({"clash", "clearance", "crossings", "edge_gaps", "repeated_lines"})
#: Extents further apart (m) have nothing to do with each other: no clearance is as great.
_REACH: Final = 20.0
#: Points of one class in different deliveries are one within this (m); with the same number, and
#: as ends of lines, within what TOP-06 searches for edges.
_SAME, _EDGE = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Handed:
    """A delivery of pipes and the files that it was read from; ``prepared`` tells that it is in the
    storage CRS, else it is in that of its passport."""

    paths: tuple[Path, ...]
    delivery: Delivery
    prepared: bool = False


def check_across(
    handed: Sequence[Handed],
    context: CheckContext,
    storage: StorageCrs = STORAGE,
    profile: str | None = None,
) -> list[list[Finding]]:
    """Findings between deliveries, for each of ``handed`` those whose row is in it.

    ``position`` and ``other_position`` are in the storage CRS with 1985 heights. A file is named
    with its folder where several have one name. Deliveries without declared datums, and those that
    lie far from all others, are left out. Rules that a ``profile`` demands run for it.
    """
    told: list[list[Finding]] = [[] for _ in handed]
    tables = {i: made for i, one in enumerate(handed) if (made := _stored(one, storage))}
    near = _neighbours({i: made["pipe_segment"] for i, made in tables.items()})
    if len(near) < 2:
        return told
    names = file_names([one.paths for one in handed])
    survey = _survey({i: tables[i] for i in near}, names, storage)
    words = survey_words(profile if profile in profiles() else "default")
    survey.profile, survey.limits, survey.context = words.profile, words.limits, context
    packs = load_packs() if context.packs is None else context.packs
    rules = [
        replace(p, rules=tuple(r for r in p.rules if r.check in BETWEEN and not r.refuses))
        for p in packs
    ]
    owner = {name: i for i, own in enumerate(names) for name in own.values()}
    for finding in run(rules, survey):
        told[owner[finding.place.file]].append(_positioned(finding))
    return told


def file_names(groups: Sequence[tuple[Path, ...]]) -> list[dict[str, str]]:
    """For each group the names of its files, with as much of the folder as sets them apart from
    files of the same name in other groups: {name: name or folder/name}."""
    owners: dict[str, set[Path]] = {}
    for path in {path for group in groups for path in group}:
        owners.setdefault(path.name, set()).add(path)
    return [{path.name: _apart(path, owners[path.name]) for path in group} for group in groups]


def _apart(path: Path, alike: set[Path]) -> str:
    for depth in range(1, len(path.parts) + 1):
        tail = path.parts[-depth:]
        if sum(other.parts[-depth:] == tail for other in alike) == 1:
            return "/".join(tail)
    return str(path)


def _stored(one: Handed, storage: StorageCrs) -> dict[str, pd.DataFrame]:
    """Points and segments in the storage CRS; nothing where there are no lines or no datums."""
    given = {n: one.delivery.tables.get(n) for n in ("pipe_point", "pipe_segment")}
    tables = {n: t for n, t in given.items() if t is not None and len(t)}
    passport = one.delivery.passport
    if len(tables) < 2 or passport.horizontal is None or passport.vertical is None:
        return {}
    if one.prepared:
        return tables
    to = Transform(passport.horizontal, passport.vertical, storage)
    return {
        name: to.table(name, frame[to.inside(column(frame, "geom"))].reset_index(drop=True))
        for name, frame in tables.items()
    }


def _neighbours(segments: Mapping[int, pd.DataFrame]) -> list[int]:
    """Those whose extent is within :data:`_REACH` of another's."""
    some = [i for i, frame in segments.items() if len(frame)]
    extents = np.array([shapely.total_bounds(column(segments[i], "geom")) for i in some])
    if len(some) < 2:
        return []
    boxes = shapely.box(*extents.T)
    a, b = shapely.STRtree(boxes).query(boxes, predicate="dwithin", distance=_REACH)
    return [some[i] for i in np.unique(a[a != b])]


def _survey(
    tables: Mapping[int, Mapping[str, pd.DataFrame]],
    names: Sequence[Mapping[str, str]],
    storage: StorageCrs,
) -> Survey:
    """All deliveries as one survey in the storage CRS."""
    sheets: list[Sheet] = []
    points, lines, base = [], [], 0
    for number, made in tables.items():
        own = made["pipe_point"], made["pipe_segment"]
        points.append(_points(own[0]) | _source(own[0], number, names[number], sheets))
        lines.append(_lines(*own, base) | _source(own[1], number, names[number], sheets))
        base += len(own[0])
    survey = Survey(
        _joined(points), _joined(lines), sheets, horizontal=storage.horizontal, vertical="1985"
    )
    survey.points[JOINT] = joint = _joints(survey)
    for name in ("sigma_xy", "sigma_z"):  # of one point the poorer
        survey.points[name] = survey.points.groupby(joint)[name].transform("max")
    return survey


def _joined(parts: Sequence[Mapping[str, npt.NDArray[Any]]]) -> pd.DataFrame:
    columns = {n: np.concatenate([part[n] for part in parts]) for n in parts[0]}
    return pd.DataFrame({n: pd.Series(c, dtype=c.dtype) for n, c in columns.items()})


def _points(frame: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    number = column(frame, "exp_no")
    xy = shapely.get_coordinates(column(frame, "geom"))
    return {
        **{name: column(frame, name) for name in POINT_TEXT},
        "exp_no": np.where(pd.isna(number), column(frame, "key"), number),
        "y_src": xy[:, 0],
        "x_src": xy[:, 1],
        **{name: numbers(frame, name) for name in ("ground_h", "sigma_xy", "sigma_z")},
    }


def _lines(points: pd.DataFrame, frame: pd.DataFrame, base: int) -> dict[str, npt.NDArray[Any]]:
    keys = pd.Index(column(points, "key"))
    first = np.flatnonzero(~keys.duplicated())
    number = np.append(_points(points)["exp_no"], np.array([None], object))
    geoms = column(frame, "geom")
    out: dict[str, npt.NDArray[Any]] = {name: column(frame, name) for name in LINE_TEXT}
    out |= {theirs: numbers(frame, name) for name, theirs in LINE_NUMBERS.items()}
    for end, letter, vertex in (("from", "a", 0), ("to", "b", -1)):
        at = np.append(first, -1)[keys[first].get_indexer(pd.Index(column(frame, f"{end}_point")))]
        out[letter] = np.where(at < 0, -1, at + base)
        out[f"{end}_no"] = number[at]
        out[f"{end}_centre_z"] = np.asarray(shapely.get_z(shapely.get_point(geoms, vertex)))
    via = np.full(len(frame), None, object)
    for row in np.flatnonzero(shapely.get_num_coordinates(geoms) > 2):
        via[row] = shapely.get_coordinates(geoms[row])[1:-1].tolist()
    return out | {"geom_via": via}


def _source(
    frame: pd.DataFrame, number: int, names: Mapping[str, str], sheets: list[Sheet]
) -> dict[str, npt.NDArray[Any]]:
    """Delivery, sheet and row of every row; sheets that are new go to ``sheets``."""
    index, words = pd.factorize(column(frame, "source_sheet"), use_na_sentinel=False)
    at = np.arange(len(words)) + len(sheets)
    sheets.extend(Sheet(*_file_and_sheet(word, names), {}) for word in words)
    return {
        DELIVERY: np.full(len(frame), number),
        "sheet": at[index],
        "row": np.nan_to_num(numbers(frame, "source_row")).astype(np.int64),
    }


def _file_and_sheet(word: str | None, names: Mapping[str, str]) -> tuple[str, str | None]:
    """File and sheet out of what a row says: ``file[sheet]`` or ``file`` where a delivery has
    several (:mod:`ingest.readers.survey_tables`), else the sheet alone."""
    if word is not None and not pd.isna(word):
        for name, shown in names.items():
            if word == name:
                return shown, None
            if word.startswith(f"{name}[") and word.endswith("]"):
                return shown, word[len(name) + 1 : -1]
        return next(iter(names.values())), word
    return next(iter(names.values())), None


def _joints(survey: Survey) -> Rows:
    """A number (p,) for every point, one for points of different deliveries that are one."""
    points = survey.points
    xy = points[["y_src", "x_src"]].to_numpy(np.float64)
    places = np.asarray(shapely.points(xy), object)
    a, b = shapely.STRtree(places).query(places, predicate="dwithin", distance=_EDGE)
    major, delivery = majors(column(points, "class_code")), points[DELIVERY].to_numpy()
    met = (a < b) & (delivery[a] != delivery[b]) & (major[a] == major[b])
    a, b = a[met], b[met]
    number = column(points, "exp_no")
    size = len(points) + 1
    open_ = np.bincount(np.concatenate(survey.ends()) % size, minlength=size) == 1
    one = np.asarray(shapely.distance(places[a], places[b])) <= _SAME
    one |= (number[a] == number[b]) | (open_[a] & open_[b])
    graph = coo_array((np.ones(int(one.sum())), (a[one], b[one])), (len(points), len(points)))
    return np.asarray(connected_components(graph, directed=False)[1], np.intp)


def _positioned(finding: Finding) -> Finding:
    place = finding.extra.get("source_position")
    if place is None:
        return finding
    extra = {name: value for name, value in finding.extra.items() if name != "source_position"}
    return replace(finding, position=(*place, None, None)[:3], extra=extra)


__all__ = ["BETWEEN", "Handed", "check_across", "file_names"]
