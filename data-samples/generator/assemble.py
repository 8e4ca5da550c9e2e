"""The finished network of a site: all classes, numbered, with wells; and its own checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

import numpy as np
import shapely

from . import gravity
from .classes import BY_CODE, CLASSES
from .layout import Site
from .network import WELLS, Line, Network, Point, pressure, ways


def network(site: Site) -> Network:
    """Build all eight classes of a site."""
    net = Network(site, Random(site.seed + 7), ways(site))
    pressure(net)
    net.survey()
    for pipe in (BY_CODE["YS"], BY_CODE["WS"]):
        gravity.mains(net, pipe)
        net.survey()
        gravity.profile(net, pipe)
        gravity.laterals(net, pipe)
        net.survey()
    gravity.drops(net)
    _wells(net)
    _number(net)
    return net


def _wells(net: Network) -> None:
    """Depth of wells: to the lowest pipe, with a sump in storm manholes."""
    deepest: dict[int, float] = defaultdict(float)
    for line in net.lines:
        pipe = BY_CODE[line.code]
        tall = 0.0 if pipe.gravity else pipe.outer(line.size)[1]
        for p, depth in zip((line.a, line.b), line.depths, strict=True):
            deepest[id(p)] = max(deepest[id(p)], depth + tall)
    for p in net.points.values():
        if p.appurtenance in WELLS:
            below = {"YS": 0.3, "WS": 0.0, "LD": 0.1}.get(p.code, 0.25)
            p.well = round(deepest[id(p)] + below, 2) + (0.01 if below == 0.0 else 0.0)
            p.well = round(p.well, 2)


def _number(net: Network) -> None:
    """Point numbers class by class, from west to east and south to north."""
    for pipe in CLASSES:
        own = [p for p in net.points.values() if p.code == pipe.code]
        for n, p in enumerate(sorted(own, key=lambda p: (p.u, p.v)), start=1):
            p.no = f"{pipe.code}{n:04d}"


def lengths(net: Network) -> dict[str, float]:
    """Plan length a class, m."""
    total: dict[str, float] = defaultdict(float)
    for line in net.lines:
        total[line.code] += gravity.length(line)
    return dict(total)


def _extent(line: Line, where: shapely.Point) -> tuple[float, float]:
    """Underside and top of a line at a plan point, heights in m."""
    low = gravity.bottom_at(line, where)
    return low, low + BY_CODE[line.code].outer(line.size)[1]


def clashes(net: Network) -> list[tuple[str, str, float]]:
    """Pairs of lines that share no point and whose bodies touch or come under 5 cm: (a, b, gap m).

    Bodies are taken as bands of the outer width in plan and outer height in section, which is
    exact for duct banks and on the safe side for round pipes.
    """
    plans = np.array([gravity.plan_of(line) for line in net.lines])
    half = np.array([BY_CODE[x.code].outer(x.size)[0] / 2 for x in net.lines])
    bodies = shapely.buffer(plans, half + 0.025, cap_style="flat")
    left, right = shapely.STRtree(bodies).query(bodies, predicate="intersects")
    found = []
    for i, j in zip(left.tolist(), right.tolist(), strict=True):
        a, b = net.lines[i], net.lines[j]
        if i >= j or {id(a.a), id(a.b)} & {id(b.a), id(b.b)}:
            continue
        common = bodies[i].intersection(bodies[j])
        gap = float("inf")
        for where in [common.centroid, *map(shapely.Point, shapely.get_coordinates(common))]:
            (la, ha), (lb, hb) = _extent(a, where), _extent(b, where)
            gap = min(gap, max(la - hb, lb - ha))
        if gap < 0.05:
            found.append((_name(a), _name(b), round(gap, 3)))
    return found


def crossing_gaps(net: Network) -> dict[tuple[str, str], float]:
    """Least vertical gap at plan crossings of lines that share no point, by (upper, lower)."""
    plans = np.array([gravity.plan_of(line) for line in net.lines])
    left, right = shapely.STRtree(plans).query(plans, predicate="intersects")
    least: dict[tuple[str, str], float] = {}
    for i, j in zip(left.tolist(), right.tolist(), strict=True):
        a, b = net.lines[i], net.lines[j]
        if i >= j or {id(a.a), id(a.b)} & {id(b.a), id(b.b)}:
            continue
        where = plans[i].intersection(plans[j])
        (la, ha), (lb, hb) = _extent(a, where), _extent(b, where)
        key, gap = ((a.code, b.code), la - hb) if la > lb else ((b.code, a.code), lb - ha)
        least[key] = min(least.get(key, 9.9), round(gap, 3))
    return least


def _name(line: Line) -> str:
    return f"{line.a.no}-{line.b.no}"


def faults(net: Network) -> list[str]:
    """What breaks the rules that the samples promise to keep; empty when all is well."""
    found = []
    out: dict[int, float] = {}
    for line in net.lines:
        if line.flow and not line.lateral:
            out[id(line.a)] = line.a.ground - line.depths[0]
    for line in net.lines:
        run = gravity.length(line)
        if run > 75.0 or run < 0.5:
            found.append(f"{_name(line)} length {run:.2f}")
        if max(line.depths) > 9.0:
            found.append(f"{_name(line)} depth {max(line.depths)}")
        drop = (line.a.ground - line.depths[0]) - (line.b.ground - line.depths[1])
        if abs(drop) / run > 0.17:
            found.append(f"{_name(line)} steep {drop / run:.3f}")
        if line.flow:
            least = 0.01 if line.size <= 200 else 0.003 if line.size <= 300 else 0.001
            if drop / run < least - 1e-4:
                found.append(f"{_name(line)} slope {drop / run:.5f} below {least}")
            if id(line.b) in out and line.b.ground - line.depths[1] < out[id(line.b)] - 1e-9:
                found.append(f"{_name(line)} enters below the outlet")
    for p in net.points.values():
        want = {
            "三通": 3,
            "四通": 4,
            "弯头": 2,
            "直线点": 2,
            "变深点": 2,
            "变坡点": 2,
            "变径点": 2,
            "预留口": 1,
            "非普查区去向": 1,
            "出水口": 1,
            "消防栓": 1,
            "雨水箅": 1,
        }
        name = p.feature or p.appurtenance
        if want.get(name, p.degree) != p.degree or p.degree == 0:
            found.append(f"{p.no} {name} has {p.degree} lines")
        if bool(p.feature) == bool(p.appurtenance):
            found.append(f"{p.no} has {p.feature!r} and {p.appurtenance!r}")
        if p.appurtenance in WELLS and p.well is None:
            found.append(f"{p.no} well without depth")
    return found


def under(net: Network, shapes: Sequence[shapely.Geometry]) -> list[str]:
    """Lines that run under any of ``shapes`` (EN), where nothing may lie."""
    plans = np.array([gravity.plan_of(line) for line in net.lines])
    hit, _ = shapely.STRtree(np.array(shapes)).query(plans, predicate="intersects")
    return [f"{_name(net.lines[k])} runs under a building" for k in sorted(set(hit.tolist()))]


def by_class(net: Network, code: str) -> tuple[list[Point], list[Line]]:
    """Points in number order and lines in order of their ends' numbers, of one class."""
    points = sorted((p for p in net.points.values() if p.code == code), key=lambda p: p.no)
    lines = [line for line in net.lines if line.code == code]
    return points, sorted(lines, key=lambda x: (x.a.no, x.b.no))
