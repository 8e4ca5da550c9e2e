"""Checks of the shape of a network: turning angles, crossings without a node, changes of size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from ingest.rules.clash import overlaps, verdict_hits
from ingest.rules.gravity_flow import Flows, flows, joints
from ingest.rules.hits import Check, Hits
from ingest.rules.network import Floats, Rows, Survey
from ingest.rules.topology import line_names
from ingest.rules.topology_tables import canonical, majors, network, same_place, tables, with_role


def sharp_turns(
    survey: Survey, least: float, tolerance: float, exempt_size: float, exempt_drop: float
) -> Iterator[Hits]:
    """Drains whose water turns by more than a right angle: the angle between the pipe that comes
    and the one that leaves is under ``least`` degrees, by more than the survey's error and
    ``tolerance`` (degrees: what is surveyed is a manhole's cover, not where the axes meet).

    Pipes of at most ``exempt_size`` mm that drop by more than ``exempt_drop`` m may turn sharper.
    """
    found = flows(survey)
    if found is None:
        return
    pairs = joints(found)
    angle, error = _angle(found, pairs["come"].to_numpy(), pairs["leave"].to_numpy())
    drop = pairs["drop"].to_numpy(np.float64)
    size = found.width[pairs["come"].to_numpy()]
    exempt = (size <= exempt_size) & (drop > exempt_drop)
    sound = found.made.sound[pairs["come"].to_numpy()]
    rows = np.flatnonzero((angle + tolerance + 2 * error < least) & ~exempt & sound)
    point = pairs["node"].to_numpy()[rows]
    come = found.made.lines[pairs["come"].to_numpy()[rows]]
    leave = found.made.lines[pairs["leave"].to_numpy()[rows]]
    values = {
        "found": np.round(angle[rows], 1),
        "no": survey.values("point", "exp_no")[point],
        "other": line_names(survey, leave),
    }
    yield Hits("line", come, None, values, found.points_at(point))


def _angle(found: Flows, come: Rows, leave: Rows) -> tuple[Floats, Floats]:
    """Angle in degrees between the way back up and the way on, and its 1 sigma."""
    up, down = -found.comes[come], found.leaves[leave]
    long = [np.linalg.norm(v, axis=1) for v in (up, down)]
    with np.errstate(invalid="ignore", divide="ignore"):
        cos = (up * down).sum(axis=1) / (long[0] * long[1])
        sigma = np.nan_to_num(found.sigma_plan)
        error = np.hypot(sigma[come] / long[0], sigma[leave] / long[1])
    return np.degrees(np.arccos(np.clip(cos, -1, 1))), np.degrees(error)


def crossings(survey: Survey, verdict: str) -> Iterator[Hits]:
    """Lines of one class that cross without a common point and share the place there: a junction
    that is not modelled, or a clash. ``verdict`` is certain or possible."""
    found = overlaps(survey)
    if found is None:
        return
    pairs = found.pairs
    yield from verdict_hits(survey, found, pairs[found.crossing & (pairs["verdict"] == verdict)])


def size_changes(survey: Survey, stated: bool) -> Iterator[Hits]:
    """``stated``: points named 变径 between lines of one size. Else points where two lines of one
    class and different sizes meet and which are neither 变径 nor a well. Cables have no size that
    changes at a point."""
    made, net = tables(survey), network(survey)
    if made is None or net is None:
        return
    segments = made.segments
    cable = np.isin(majors(segments["class_code"].to_numpy(object)).astype(str), ("DL", "TX"))
    part = net.in_use & ~net.in_chamber & made.sound & ~cable
    place = same_place(net)
    ends = pd.DataFrame(
        {
            "place": place[np.concatenate([net.tail[part], net.head[part]])],
            "cls": np.tile(segments["class_code"].to_numpy(object)[part], 2),
            "width": np.tile(segments["width_mm"].to_numpy(np.float64)[part], 2),
            "height": np.tile(segments["height_mm"].to_numpy(np.float64)[part], 2),
        }
    )
    low, high = _extremes(ends, net.nodes)
    unlike = (low != high).any(axis=1)
    count = np.bincount(ends["place"], minlength=net.nodes)
    all_ends = np.concatenate([net.tail[net.in_use], net.head[net.in_use]])
    in_all = np.bincount(place[all_ends], minlength=net.nodes)
    classes = ends.groupby("place")["cls"].nunique().reindex(range(net.nodes), fill_value=0)
    alike_class = classes.to_numpy() == 1
    feature = canonical(survey.values("point", "feature"))
    reducer = feature == "变径"
    at = place[: len(feature)]
    if stated:
        mask = reducer & (count[at] >= 2) & (count[at] == in_all[at]) & ~unlike[at]
    else:
        words = survey.values("point", "appurtenance")
        excused = np.zeros(net.nodes, bool)
        excused[at[reducer | with_role(words, "well", "structure")]] = True
        mask = ~excused[at] & (count[at] == 2) & (in_all[at] == 2) & unlike[at] & alike_class[at]
    rows = np.flatnonzero(survey.alive["point"] & mask)
    yield Hits("point", rows, "feature", {"found": _size(low[at[rows]], high[at[rows]])})


def _extremes(ends: pd.DataFrame, nodes: int) -> tuple[Floats, Floats]:
    """Least and greatest width and height (n, 2) at every place, 0 where none is known."""
    low, high = np.full((nodes, 2), np.inf), np.full((nodes, 2), -np.inf)
    for side, name in enumerate(("width", "height")):
        values = ends[name].to_numpy(np.float64)
        known = np.isfinite(values)
        np.minimum.at(low[:, side], ends["place"].to_numpy()[known], values[known])
        np.maximum.at(high[:, side], ends["place"].to_numpy()[known], values[known])
    low[~np.isfinite(low)], high[~np.isfinite(high)] = 0.0, 0.0
    return low, high


def _size(low: Floats, high: Floats) -> Any:
    """Sizes as a surveyor writes them: ``300``, ``300 / 400``, ``800X600 / 1000X600``."""
    texts = []
    for (w0, h0), (w1, h1) in zip(low.tolist(), high.tolist(), strict=True):
        one = f"{w0:g}" if w0 == h0 else f"{w0:g}X{h0:g}"
        two = f"{w1:g}" if w1 == h1 else f"{w1:g}X{h1:g}"
        texts.append(one if one == two else f"{one} / {two}")
    return np.array([*texts, None], object)[:-1]


CHECKS: Final[tuple[Check, ...]] = (crossings, sharp_turns, size_changes)
