"""Storm and foul sewers: trees that fall to the outfall below everything they cross."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise

import numpy as np
import shapely

from .classes import BY_CODE, KERB, PipeClass
from .network import Line, Network, Point, Way, outfall, split

DROP = 1.0  # m: a manhole into which a pipe falls further is a drop manhole (GB 50014)
LEAN = 1.5  # m that a plot connection starts upstream, so that it turns by no more than 90 degrees
CLEAR_OF_CROSSING = 24.0  # m from a street's axis: manholes keep off the crossing lines
SLOPES = {300: 0.003, 400: 0.0018, 500: 0.0014, 600: 0.0014, 800: 0.0012, 1000: 0.001, 1200: 0.001}
STEEPEST = 0.006
SIZES = {
    "YS": ((220.0, 600), (620.0, 800), (1500.0, 1000), (1e9, 1200)),
    "WS": ((260.0, 300), (900.0, 400), (2000.0, 500), (1e9, 600)),
}


def _run(net: Network, pipe: PipeClass, way: Way, stations: list[float]) -> None:
    """Manholes and mains through ``stations`` in flow order."""
    for s, e in pairwise(stations):
        cuts = [s, *split(s, e, 42.0), e]
        for x, y in pairwise(cuts):
            a = net.point(pipe.code, way.plan(x, pipe.offset))
            b = net.point(pipe.code, way.plan(y, pipe.offset))
            a.appurtenance = b.appurtenance = "窨井"
            net.join(pipe.code, a, b, 0, way.street.name, flow=True)


def _through(axis: float, node: float | None) -> list[float]:
    """Stations across a street in flow order (falling coordinate)."""
    middle = [] if node is None else [node]
    return [axis + CLEAR_OF_CROSSING, *middle, axis - CLEAR_OF_CROSSING]


def mains(net: Network, pipe: PipeClass) -> None:
    """All mains of a gravity class: rows flow west into the first column, that one flows south
    into the first row, which flows west to the outfall; the other columns drain block by block."""
    columns = [w for w in net.ways if w.northward]
    rows = [w for w in net.ways if not w.northward]
    off = pipe.offset
    trunk, first = columns[0], rows[0]
    for row in rows:
        stations = [row.end - 8.0]
        for column in reversed(columns):
            passing = _through(column.street.at, column.street.at + off)
            stations += passing if column is not trunk or row is first else passing[:2]
        if row is first:
            stations.append(outfall(net.site, off, 0.0 if pipe.code == "YS" else 24.0))
        _run(net, pipe, row, stations)
    for column in columns:
        axes = [r.street.at for r in rows]
        if column is trunk:
            stations = [column.end - 8.0]
            for axis in reversed(axes[1:]):
                stations += _through(axis, axis + off)
            _run(net, pipe, column, [*stations, axes[0] + CLEAR_OF_CROSSING, axes[0] + off])
            continue
        heads = [axis - CLEAR_OF_CROSSING - 8.0 for axis in axes[1:]] + [column.end - 8.0]
        for axis, head in zip(axes, heads, strict=True):
            _run(net, pipe, column, [head, axis + CLEAR_OF_CROSSING, axis + off])
    end = [p for p in net.points.values() if p.code == pipe.code and _last(net, p)]
    if len(end) != 1:
        raise ValueError(f"{pipe.code}: {len(end)} outfalls")
    if pipe.code == "YS":
        end[0].feature, end[0].appurtenance = "出水口", ""
    else:
        end[0].appurtenance = "泵站"


def _last(net: Network, p: Point) -> bool:
    return not any(line.a is p for line in net.lines if line.code == p.code)


def _upstream_first(lines: list[Line]) -> list[Line]:
    """Lines in an order in which every line comes after those that flow into it."""
    waiting: dict[int, int] = defaultdict(int)
    leaving: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        waiting[id(line.b)] += 1
        leaving[id(line.a)].append(line)
    ready = [line for line in lines if waiting[id(line.a)] == 0]
    order = []
    while ready:
        line = ready.pop(0)
        order.append(line)
        waiting[id(line.b)] -= 1
        if waiting[id(line.b)] == 0:
            ready += leaving[id(line.b)]
    return order


def length(line: Line) -> float:
    """Plan length, m."""
    return math.hypot(line.a.east - line.b.east, line.a.north - line.b.north)


def _levels_above(net: Network, code: str) -> tuple[list[Line], np.ndarray]:
    above = [line for line in net.lines if line.code != code and line.depths != (0.0, 0.0)]
    shapes = np.array([plan_of(line) for line in above])
    return above, shapes


def plan_of(line: Line) -> shapely.LineString:
    """The line in plan, EN."""
    return shapely.LineString([(line.a.east, line.a.north), (line.b.east, line.b.north)])


def bottom_at(line: Line, where: shapely.Point) -> float:
    """Height of the underside of a line at a plan point, m."""
    pipe = BY_CODE[line.code]
    t = plan_of(line).project(where, normalized=True)
    za, zb = line.a.ground - line.depths[0], line.b.ground - line.depths[1]
    z = za + t * (zb - za)
    tall = pipe.outer(line.size)[1]
    wall = (tall - line.size / 1000.0) / 2
    return z - wall if pipe.gravity else z - tall


def profile(net: Network, pipe: PipeClass) -> None:
    """Sizes by the length that drains into a main, then inverts: under everything crossed, with
    cover, never rising, at least at the least slope; in whole millimetres."""
    lines = _upstream_first([line for line in net.lines if line.code == pipe.code])
    drained: dict[int, float] = defaultdict(float)
    for line in lines:
        total = drained[id(line.a)] + length(line)
        drained[id(line.b)] += total
        line.size = next(size for limit, size in SIZES[pipe.code] if total <= limit)
    above, shapes = _levels_above(net, pipe.code)
    tree = shapely.STRtree(shapes)
    highest: dict[int, float] = {}
    for line in lines:
        tall = pipe.outer(line.size)[1]
        wall = (tall - line.size / 1000.0) / 2
        crown = line.size / 1000.0 + wall  # of the outside above the invert
        plan = plan_of(line)
        limit = float("inf")
        for k in tree.query(plan, predicate="intersects"):
            limit = min(limit, bottom_at(above[k], plan.intersection(shapes[k])) - pipe.gap - crown)
        for p in (line.a, line.b):
            cover = p.ground - pipe.cover - crown
            highest[id(p)] = min(highest.get(id(p), 1e9), limit, cover)
    for line in reversed(lines):
        reach = highest[id(line.b)] + STEEPEST * length(line)
        highest[id(line.a)] = min(highest[id(line.a)], reach)
    invert = dict(highest)
    for line in lines:
        falls = invert[id(line.a)] - SLOPES[line.size] * length(line)
        invert[id(line.b)] = min(invert[id(line.b)], math.floor(falls * 1000) / 1000)
    for line in lines:
        for p in (line.a, line.b):
            p.depth = round(p.ground - math.floor(invert[id(p)] * 1000) / 1000, 3)
        line.depths = (line.a.depth, line.b.depth)


def laterals(net: Network, pipe: PipeClass) -> None:
    """Gully connections (storm) at both kerbs and plot connections (storm right, foul left)."""
    wells = {way: _wells(net, pipe, way) for way in net.ways}
    for way, found in wells.items():
        for n, (along, well) in enumerate(found):
            if n % 3 == 1:  # no gullies here: their pipes would lie above those to the plots
                plot = 20.4 if pipe.code == "YS" else -20.4
                start = 3.09 if pipe.code == "YS" and way.heated else 2.32
                _lateral(net, pipe, way, along, well, plot, 300, start, "窨井")
            elif pipe.code == "YS":
                for side in (-1.0, 1.0):
                    _lateral(net, pipe, way, along, well, side * (KERB - 0.4), 200, 1.0, "雨水箅")


def drops(net: Network) -> None:
    """Name the manholes into which a pipe falls by more than :data:`DROP`."""
    out = {id(line.a): line.depths[0] for line in net.lines if line.flow and not line.lateral}
    for line in net.lines:
        if line.flow and id(line.b) in out and out[id(line.b)] - line.depths[1] > DROP:
            line.b.appurtenance = "跌水井"


def _wells(net: Network, pipe: PipeClass, way: Way) -> list[tuple[float, Point]]:
    """Manholes of a street that are clear of crossings, by position."""
    across = round(way.street.at + pipe.offset, 3)
    found = []
    for p in list(net.points.values()):
        at, along = (p.u, p.v) if way.northward else (p.v, p.u)
        clear = all(abs(along - s.at) > 34.0 for s in way.crossings) and along > way.start
        if p.code == pipe.code and at == across and clear and p.appurtenance == "窨井":
            found.append((along, p))
    return sorted(found, key=lambda item: item[0])


def _lateral(
    net: Network,
    pipe: PipeClass,
    way: Way,
    along: float,
    well: Point,
    offset: float,
    size: int,
    depth: float,
    what: str,
) -> None:
    """A pipe from ``offset`` to a manhole, falling, entering at or above the main's invert; none
    where the main is too shallow."""
    run = abs(offset - pipe.offset)
    least = 0.012 if size == 200 else 0.004
    end = min(well.depth - 0.05, depth + 0.09 * run)
    if end < depth + least * run:
        return
    lean = LEAN if size == 300 else 0.0  # streets drain towards falling coordinates
    start = net.point(pipe.code, way.plan(along + lean, offset))
    start.appurtenance, start.depth = what, depth
    line = net.join(pipe.code, start, well, size, way.street.name, flow=True, lateral=True)
    line.depths = (depth, round(end, 3))
