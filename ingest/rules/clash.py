"""Clashes of pipes (CLS-01), and crossings of one class without a node (TOP-04): one search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from ingest.rules.hits import Check, Hits
from ingest.rules.network import Floats, Mask, Rows, Survey
from ingest.rules.topology import line_names
from ingest.rules.topology_tables import ENDS, Tables, majors, tables
from models.clearance.bodies import Bodies, bodies
from models.clearance.joints import I64
from models.clearance.judge import FINDINGS
from models.clearance.measure import clashes


@dataclass(frozen=True, slots=True)
class Solid:
    """The sound lines of a survey as bodies: ``rows`` (k,) of ``made.segments``, these as
    ``segments``, and ``bodies`` of them. ``groups`` (k,) is the delivery of each, where the survey
    is made of several: pairs within one are not looked at.
    """

    made: Tables
    rows: Rows
    segments: pd.DataFrame
    bodies: Bodies
    groups: I64 | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Measured ``pairs`` (:func:`models.clearance.measure.clashes`), ``a`` and ``b`` being rows of
    ``made.segments``. ``crossing`` are pairs of one class that cross in plan."""

    made: Tables
    pairs: pd.DataFrame
    crossing: Mask


def solid(survey: Survey) -> Solid | None:
    """The bodies of a survey's sound lines, ``None`` where it has no plane."""
    return survey.kept("solid", _solid)


def overlaps(survey: Survey) -> Pairs | None:
    """Pairs of lines that share a place, certainly or perhaps, or of which that is not known."""
    return survey.kept("overlaps", _overlaps)


def clash(
    survey: Survey,
    verdict: str,
    shared: bool | None = None,
    apart: bool | None = None,
    across: bool = False,
) -> Iterator[Hits]:
    """Lines that lie in each other. ``verdict``: ``certain`` beyond twice the survey's error,
    ``possible``, or ``review`` where a size or height is missing. ``shared`` chooses among the
    certain ones pairs that may share a place after all: two cables (one duct for both), or a line
    out of use that a new one cuts; ``apart`` among the possible ones those that are apart as
    measured. Lines of one class that cross are
    :func:`ingest.rules.topology_shape.crossings`. With ``across`` only the lines of different
    deliveries are told of (:mod:`ingest.rules.across`)."""
    found = overlaps(survey)
    if found is None or (across and DELIVERY not in survey.lines):
        return
    pairs = found.pairs
    mask = (pairs["verdict"] == verdict).to_numpy(bool)
    if verdict == "review":
        yield from review_hits(survey, found.made, pairs[mask])
        return
    mask = mask & ~found.crossing
    if shared is not None:
        mask = mask & (_may_share(found) == shared)
    if apart is not None:
        mask = mask & ((pairs["distance"] >= 0).to_numpy(bool) == apart)
    both = verdict == "certain" and shared is False
    yield from verdict_hits(survey, found, pairs[mask], both=both)


def _may_share(found: Pairs) -> Mask:
    segments = found.made.segments
    cable = np.isin(majors(segments["class_code"].to_numpy(object)).astype(str), ("DL", "TX"))
    unused = (segments["status"] == "废弃").to_numpy(bool)
    a, b = (found.pairs[side].to_numpy(np.intp) for side in "ab")
    return np.asarray((cable[a] & cable[b]) | unused[a] | unused[b])


def verdict_hits(
    survey: Survey, found: Pairs, pairs: pd.DataFrame, both: bool = False
) -> Iterator[Hits]:
    """One hit a pair at its first line; with ``both`` one at each, for either may be wrong."""
    pairs = pairs.drop_duplicates(["a", "b"])
    sides = [("a", "b"), ("b", "a")] if both else [("a", "b")]
    for own, other in sides:
        values = {"found": np.round(-pairs["distance"].to_numpy(np.float64), 3)}
        yield pair_hits(survey, found.made, pairs, own, other, values)


def pair_hits(
    survey: Survey,
    made: Tables,
    pairs: pd.DataFrame,
    own: str,
    other: str,
    values: dict[str, npt.NDArray[Any]],
) -> Hits:
    """Hits at the lines ``own`` of measured pairs, with the other line, the place where they are
    closest and the error (2 sigma, ``s``)."""
    mine, theirs = (pairs[side].to_numpy(np.intp) for side in (own, other))
    rows, others = made.lines[mine], made.lines[theirs]
    code = made.segments["class_code"].to_numpy(object)
    numbers = [
        survey.row_names("line", [o], r)
        for r, o in zip(rows.tolist(), others.tolist(), strict=True)
    ]
    nominal = pairs["nominal"].to_numpy(bool)
    values = {
        **values,
        "cls": code[mine],
        "other_cls": code[theirs],
        "other": line_names(survey, others),
        "other_row": np.array([*numbers, None], object)[:-1],
        "s": _error_text(pairs["sigma"].to_numpy(np.float64)),
        "nominal_zh": np.where(nominal, "，外径未知处按公称尺寸计", ""),
        "nominal_en": np.where(nominal, ", nominal size where the outer one is unknown", ""),
    }
    at = made.place(pairs[[f"{own}{axis}" for axis in "xyz"]].to_numpy(np.float64))
    opposite = made.place(pairs[[f"{other}{axis}" for axis in "xyz"]].to_numpy(np.float64))
    extra = {
        "other": values["other"],
        "other_row": values["other_row"],
        "other_position": _rows(opposite),
    }
    return Hits("line", rows, None, values, at, extra)


def review_hits(survey: Survey, made: Tables, pairs: pd.DataFrame) -> Iterator[Hits]:
    """One bulk for every attribute that is missing: the lines that lack it."""
    if pairs.empty:
        return
    lacks = pairs[["a", "b", "missing"]].assign(missing=pairs["missing"].str.split(","))
    lacks = lacks.explode("missing").dropna()
    side, name = lacks["missing"].str[0], lacks["missing"].str[2:]
    line = np.where(side == "a", lacks["a"], lacks["b"]).astype(np.intp)
    told = pd.DataFrame({"line": line, "name": name.to_numpy(object)}).drop_duplicates()
    for attribute, own in told.groupby("name", sort=True):
        column, zh, en = ATTRIBUTES.get(str(attribute), (str(attribute), str(attribute), ""))
        rows = np.sort(made.lines[own["line"].to_numpy(np.intp)])
        values = {
            "attribute_zh": np.full(len(rows), zh, object),
            "attribute_en": np.full(len(rows), en or zh, object),
            "found": np.full(len(rows), EMPTY, object),
        }
        yield Hits("line", rows, column, values)


EMPTY: Final = "空 empty"
#: Column of the lines, and of the points, of a survey that is made of several deliveries: which
#: one. ``JOINT`` numbers its points, those of different deliveries that are one alike.
DELIVERY: Final = "delivery"
JOINT: Final = "joint"
#: What a judgement may lack: the field of the line table, and its names.
ATTRIBUTES: Final = {
    "class_code": ("class_code", "管线类别", "class"),
    "embed": ("embed", "埋设方式", "embedding"),
    "pressure_level": ("pressure_level", "压力等级", "pressure level"),
    "material": ("material", "材质", "material"),
    "width_mm": ("size", "管径", "size"),
    "voltage_kv": ("voltage_kv", "电压", "voltage"),
    "size": ("size", "断面尺寸", "size of the section"),
    "height": ("from_depth", "埋深或高程", "depth or height"),
    "accuracy": ("from_no", "点位精度（探测方式）", "accuracy (survey method) of its points"),
}


def _solid(survey: Survey) -> Solid | None:
    made = tables(survey)
    if made is None:
        return None
    rows = np.flatnonzero(made.sound)
    lines = made.lines[rows]
    segments = made.segments.iloc[rows].reset_index(drop=True)
    points, groups = made.points, None
    if DELIVERY in survey.lines:
        groups = survey.values("line", DELIVERY)[lines].astype(np.int64)
        joint = survey.values("point", JOINT)
        points = points.assign(id=pd.Series(joint, dtype=object))
        for end in ENDS:
            ends = joint[segments[end].to_numpy(np.intp)]
            segments[end] = pd.Series(ends, dtype=object)
    return Solid(made, rows, segments, bodies(segments, points), groups)


def _overlaps(survey: Survey) -> Pairs | None:
    made = solid(survey)
    if made is None:
        return None
    measured = clashes(made.bodies, made.segments, keep=FINDINGS, groups=made.groups)
    pairs = in_survey(made, measured)
    geoms = made.made.segments["geom"].to_numpy(object)
    code = made.made.segments["class_code"].to_numpy(object)
    a, b = (pairs[side].to_numpy(np.intp) for side in "ab")
    same = np.asarray(code[a] == code[b], bool)
    return Pairs(made.made, pairs, same & shapely.crosses(geoms[a], geoms[b]))


def in_survey(made: Solid, pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs with ``a`` and ``b`` as rows of ``made.made.segments``, worst first."""
    sides = {side: made.rows[pairs[side].to_numpy(np.intp)] for side in "ab"}
    return pairs.assign(**sides).sort_values("distance", kind="stable", ignore_index=True)


def _error_text(sigma: Floats) -> npt.NDArray[np.object_]:
    texts = ["?" if np.isnan(s) else f"{2 * s:.2f}" for s in sigma.tolist()]
    return np.array([*texts, None], object)[:-1]


def _rows(values: Floats) -> npt.NDArray[np.object_]:
    out = np.empty(len(values), object)
    out[:] = [[None if np.isnan(v) else v for v in row] for row in values.tolist()]
    return out


CHECKS: Final[tuple[Check, ...]] = (clash,)
