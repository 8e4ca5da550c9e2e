"""Checks of line ends that are not joined though they should be (TOP-05, TOP-06), and of lines that
two deliveries hold (LN-02)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
import shapely

from ingest.rules.clash import DELIVERY, JOINT
from ingest.rules.hits import Check, Hits
from ingest.rules.network import Floats, Mask, Rows, Survey
from ingest.rules.topology import degrees, line_names, point_names
from ingest.rules.topology_tables import Tables, canonical, network, tables
from models.network import Network


def dangling_ends(survey: Survey, limit: float, open_words: Sequence[str]) -> Iterator[Hits]:
    """Ends within ``limit`` metres, in plan and in height, of a line of their class that they do
    not belong to. Points with one of ``open_words`` are meant to be ends; so are stubs that start
    from the very line."""
    made, net = tables(survey), network(survey)
    if made is None or net is None:
        return
    live, dead = degrees(survey)
    words = [canonical(survey.values("point", c)) for c in ("feature", "appurtenance")]
    open_ = np.isin(words[0].astype(str), open_words) | np.isin(words[1].astype(str), open_words)
    ends = np.flatnonzero(survey.alive["point"] & (live + dead == 1) & ~open_)
    ends, edge_at = _only_edge(net, ends)
    geoms = made.segments["geom"].to_numpy(object)
    points = made.points["geom"].to_numpy(object)[ends]
    near, line = shapely.STRtree(geoms).query(points, predicate="dwithin", distance=limit)
    own = edge_at[near]
    code = made.segments["class_code"].to_numpy(object)
    chamber = net.in_chamber
    good = (line != own) & (code[line] == code[own]) & ~chamber[line] & made.sound[line]
    good &= ~_share_a_node(net, line, own)
    near, line = near[good], line[good]
    gap = shapely.distance(points[near], geoms[line])
    foot = shapely.line_interpolate_point(
        geoms[line], shapely.line_locate_point(geoms[line], points[near])
    )
    off = np.abs(shapely.get_z(foot) - _height(net, made, ends, edge_at)[near])
    kept = ~(off > limit)
    near, line, gap, off = near[kept], line[kept], gap[kept], off[kept]
    order = np.lexsort((gap, near))
    _, nearest = np.unique(near[order], return_index=True)
    pick = order[nearest]
    rows = ends[near[pick]]
    values = {"found": np.round(gap[pick], 2), "line": line_names(survey, made.lines[line[pick]])}
    yield Hits("point", rows, None, values)


def _only_edge(net: Network, nodes: Rows) -> tuple[Rows, Rows]:
    """Those of the nodes that have an edge, and that edge (links in chambers left out)."""
    at = np.full(net.nodes, -1, np.intp)
    for end in (net.tail, net.head):
        kept = ~net.in_chamber
        at[end[kept]] = np.flatnonzero(kept)
    nodes = nodes[at[nodes] >= 0]
    return nodes, at[nodes]


def _share_a_node(net: Network, one: Rows, other: Rows) -> Mask:
    out = np.zeros(len(one), bool)
    for a in (net.tail, net.head):
        for b in (net.tail, net.head):
            out |= a[one] == b[other]
    return out


def _height(net: Network, made: Tables, nodes: Rows, edge: Rows) -> Floats:
    """Height of the centre line of ``edge`` (k,) at its end ``nodes`` (k,)."""
    geoms = made.segments["geom"].to_numpy(object)[edge]
    start, end = (shapely.get_z(shapely.get_point(geoms, vertex)) for vertex in (0, -1))
    return np.where(net.tail[edge] == nodes, start, end)


def edge_gaps(
    survey: Survey, search: float, limit: float, open_words: Sequence[str] = ()
) -> Iterator[Hits]:
    """Ends that ought to meet across map sheets or batches and are off by more than ``limit``
    metres in plan or in height.

    Looked at are pairs of line ends of one class, each the nearest of the other and not further
    than ``search`` metres: both edge points (图边点), or from different tables of the delivery and
    neither meant to be an end (``open_words``). Of several deliveries in one survey only ends of
    different ones.
    """
    made, net = tables(survey), network(survey)
    if made is None or net is None:
        return
    live, _ = degrees(survey)
    ends, only = _only_edge(net, np.flatnonzero(survey.alive["point"] & (live == 1)))
    xy = shapely.get_coordinates(made.points["geom"].to_numpy(object))[ends]
    code = survey.values("point", "class_code")[ends]
    words = [canonical(survey.values("point", c))[ends] for c in ("feature", "appurtenance")]
    edge = words[0] == _EDGE
    closed = ~np.isin(words[0].astype(str), open_words) & ~np.isin(words[1].astype(str), open_words)
    closed |= edge
    sheet = survey.values("point", "sheet")[ends]
    boxes = np.asarray(shapely.points(xy), object)
    one, other = shapely.STRtree(boxes).query(boxes, predicate="dwithin", distance=search)
    good = (one != other) & (code[one] == code[other]) & (only[one] != only[other])
    good &= (edge[one] & edge[other]) | ((sheet[one] != sheet[other]) & closed[one] & closed[other])
    if DELIVERY in survey.points:
        delivery = survey.values("point", DELIVERY)[ends]
        good &= delivery[one] != delivery[other]
    one, other = one[good], other[good]
    gap = np.linalg.norm(xy[one] - xy[other], axis=1)
    nearest = _nearest(one, other, gap, len(ends))
    z = _height(net, made, ends, only)
    first = np.flatnonzero(nearest >= 0)
    first = first[(nearest[nearest[first]] == first) & (first < nearest[first])]
    second = nearest[first]
    plan = np.linalg.norm(xy[first] - xy[second], axis=1)
    up = np.abs(z[first] - z[second])
    off = (plan > limit + 1e-9) | (up > limit + 1e-9)
    first, second, plan, up = first[off], second[off], plan[off], up[off]
    rows, partners = ends[second], ends[first]
    values = {
        "found": np.round(plan, 3),
        "up": np.array(["?" if np.isnan(v) else f"{v:.3f}" for v in up], object),
        "other": point_names(survey, partners, rows),
    }
    yield Hits("point", rows, None, values)


_EDGE: Final = "图边点"


def _nearest(one: Rows, other: Rows, gap: Floats, count: int) -> Rows:
    out = np.full(count, -1, np.intp)
    order = np.lexsort((other, gap, one))
    first = np.flatnonzero(np.diff(one[order], prepend=-1))
    out[one[order][first]] = other[order][first]
    return out


def repeated_lines(survey: Survey) -> Iterator[Hits]:
    """Lines that another delivery holds as well: of one class between points that are one, the
    first delivery's line standing for itself (:mod:`ingest.rules.across`)."""
    if DELIVERY not in survey.lines:
        return
    joint = np.append(survey.values("point", JOINT), -1)
    live = np.flatnonzero(survey.connected())
    ends = np.sort([joint[end[live]] for end in survey.ends()], axis=0)
    table = pd.DataFrame({"a": ends[0], "b": ends[1], "row": live})
    for name in ("class_code", DELIVERY):
        table[name] = survey.values("line", name)[live]
    first = table.groupby(["a", "b", "class_code"])[["row", DELIVERY]].transform("first")
    again = (table[DELIVERY] != first[DELIVERY]).to_numpy(bool)
    rows, others = live[again], first["row"].to_numpy(np.intp)[again]
    numbers = [
        survey.row_names("line", [o], r)
        for r, o in zip(rows.tolist(), others.tolist(), strict=True)
    ]
    values = {"other_row": np.array([*numbers, None], object)[:-1]}
    yield Hits("line", rows, None, values)


CHECKS: Final[tuple[Check, ...]] = (dangling_ends, edge_gaps, repeated_lines)
