"""The pipe network of a site under its main streets: points, lines, and the pressure and cable
classes. Gravity classes are added by :mod:`generator.gravity`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

import numpy as np
import shapely

from .classes import CLASSES, KERB, RAMP, SPACING, ZONE, PipeClass
from .layout import F64, Site, Street, canal_axis
from .terrain import surface

#: What feeds a network, at the far ends of its two main streets: north, east.
FED = {"JS": ("水厂出水", "增压站出水")}
WELLS = {"窨井", "跌水井", "阀门井", "人孔", "手孔", "水表井", "检修井"}


@dataclass
class Point:
    """A survey point. ``depth`` (m) is that of its class's reference at this point."""

    code: str
    u: float
    v: float
    feature: str = ""
    appurtenance: str = ""
    depth: float = 0.0
    no: str = ""
    east: float = 0.0
    north: float = 0.0
    ground: float = 0.0
    well: float | None = None
    degree: int = 0


@dataclass
class Line:
    """A line between two points, in the direction of flow where there is one.

    ``depths`` are those of the reference (invert for gravity classes, top for the others), m.
    """

    code: str
    a: Point
    b: Point
    size: int
    road: str
    flow: bool = False
    lateral: bool = False
    depths: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Way:
    """A network street: its axis, whether it runs north, and what it crosses."""

    street: Street
    northward: bool
    main: bool
    heated: bool
    start: float
    end: float
    crossings: tuple[Street, ...]

    def plan(self, along: float, offset: float) -> tuple[float, float]:
        """Plan point at ``along`` the street, ``offset`` from its axis."""
        across = round(self.street.at + offset, 3)
        along = round(along, 3)
        return (across, along) if self.northward else (along, across)


@dataclass
class Network:
    """Points and lines of a site."""

    site: Site
    rng: Random
    ways: tuple[Way, ...] = ()
    points: dict[tuple[str, float, float], Point] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def point(self, code: str, uv: tuple[float, float]) -> Point:
        """The point of a class at a plan position, made if new."""
        key = (code, *uv)
        if key not in self.points:
            self.points[key] = Point(code, *uv)
        return self.points[key]

    def join(self, code: str, a: Point, b: Point, size: int, road: str, **more: bool) -> Line:
        """A line from ``a`` to ``b``."""
        line = Line(code, a, b, size, road, **more)
        self.lines.append(line)
        a.degree += 1
        b.degree += 1
        return line

    def survey(self) -> None:
        """Give points coordinates and ground heights in millimetres."""
        points = list(self.points.values())
        en = np.round(self.site.to_en([(p.u, p.v) for p in points]), 3)
        ground = np.round(surface(self.site, en[:, 0], en[:, 1]), 3)
        for p, (e, n), h in zip(points, en.tolist(), ground.tolist(), strict=True):
            p.east, p.north, p.ground = e, n, h


def ways(site: Site) -> tuple[Way, ...]:
    """The network streets: the westernmost column and southernmost row are the mains."""
    columns = [site.columns[i] for i in site.piped_columns]
    rows = [site.rows[j] for j in site.piped_rows]
    found = []
    for i, column in zip(site.piped_columns, columns, strict=True):
        heated = f"C{i}" in site.heated
        found.append(
            Way(column, True, column is columns[0], heated, rows[0].at, site.reach[1], tuple(rows))
        )
    for j, row in zip(site.piped_rows, rows, strict=True):
        heated = f"R{j}" in site.heated
        found.append(
            Way(row, False, row is rows[0], heated, columns[0].at, site.reach[0], tuple(columns))
        )
    return tuple(found)


def carries(way: Way, pipe: PipeClass) -> bool:
    """Whether a street has a line of a class."""
    return pipe.code != "RL" or way.heated


def crossing_levels(a: Way, b: Way) -> dict[str, float]:
    """Depth of the top of each pressure or cable class where two streets cross, m."""
    levels, bottom = {}, 0.0
    for pipe in CLASSES:
        if pipe.gravity or not (carries(a, pipe) or carries(b, pipe)):
            continue
        top = max(pipe.cover, math.ceil((bottom + pipe.gap) * 100) / 100)
        levels[pipe.code] = top
        bottom = top + pipe.outer(max(pipe.sizes))[1]
    return levels


def split(start: float, end: float, most: float = SPACING) -> list[float]:
    """Positions strictly between two, evenly, no more than ``most`` apart."""
    count = max(1, math.ceil(abs(end - start) / most))
    return [start + (end - start) * k / count for k in range(1, count)]


def _runs(net: Network, pipe: PipeClass, way: Way) -> None:
    """Lay one pressure or cable class along one street."""
    others = {w.street.at: w for w in net.ways if w.northward != way.northward}
    tags: dict[float, tuple[str, float, int]] = {}  # along: (kind, depth, size)
    own = pipe.sizes[0 if way.main else 1]
    end = round(way.end - pipe.offset / 10, 3)
    stations: list[float] = []
    sizes: dict[float, int] = {}
    for street in way.crossings:
        other = others[street.at]
        top = crossing_levels(way, other)[pipe.code]
        node_size = max(own, pipe.sizes[0 if other.main else 1]) if carries(other, pipe) else own
        at = round(street.at + pipe.offset, 3)
        first = street.at == way.start
        if carries(other, pipe):
            tags[at] = ("node", top, node_size)
        elif first:
            tags[at] = ("end", top, own)
        for side in (-1, 1):
            if first and side < 0:
                continue
            tags[round(street.at + side * ZONE, 3)] = ("valve", top, node_size)
            change = "reducer" if node_size != own else "level"
            tags[round(street.at + side * RAMP, 3)] = (change, pipe.cover, own)
        sizes[street.at] = node_size
    tags[end] = ("end", pipe.cover, own)
    axes = [s.at for s in way.crossings]
    for k, axis in enumerate(axes):
        a = axis + RAMP
        b = axes[k + 1] - RAMP if k + 1 < len(axes) else end
        stations += split(a, b)
        stations = [round(s, 3) for s in stations]
    for s in stations:
        tags.setdefault(s, ("run", pipe.cover, own))
    for kind, along in _branches(pipe, axes, end):
        near = [s for s in stations if abs(s - along) < 6.0]
        for s in near:
            tags.pop(s, None)
        tags[round(along, 3)] = (kind, pipe.cover, own)
    order = sorted(tags)
    made = []
    for along in order:
        kind, depth, _ = tags[along]
        p = net.point(pipe.code, way.plan(along, pipe.offset))
        p.depth = max(p.depth, depth)
        _describe(net, pipe, p, kind)
        if pipe.code in FED and way.main and along == end:
            p.feature, p.appurtenance = "", FED[pipe.code][not way.northward]
        made.append(p)
    for (x, a), (y, b) in zip(
        zip(order[:-1], made[:-1], strict=True), zip(order[1:], made[1:], strict=True), strict=True
    ):
        near_axis = min(axes, key=lambda t: abs(t - (x + y) / 2))
        size = sizes[near_axis] if abs((x + y) / 2 - near_axis) < RAMP else own
        net.join(pipe.code, a, b, size, way.street.name)
    for kind, along in _branches(pipe, axes, end):
        _branch(net, pipe, way, kind, round(along, 3), own)


def _branches(pipe: PipeClass, axes: list[float], end: float) -> list[tuple[str, float]]:
    """Where services leave a run: (kind, along)."""
    plan = {
        "JS": [("hydrant", 0.2), ("service", 0.42), ("hydrant", 0.8)],
        "RQ": [("service", 0.5)],
        "RL": [("service", 0.6)],
        "DL": [("service", 0.34)],
        "TX": [("service", 0.66)],
    }.get(pipe.code, [])
    found = []
    for a, b in zip(axes, [*axes[1:], end + RAMP], strict=True):
        room = b - a - 2 * RAMP
        if room > 70.0:
            found += [(kind, a + RAMP + share * room) for kind, share in plan]
    return found


def _branch(net: Network, pipe: PipeClass, way: Way, kind: str, along: float, own: int) -> None:
    """A hydrant beside the main, or a service to the plot line."""
    main = net.point(pipe.code, way.plan(along, pipe.offset))
    side = math.copysign(20.4, pipe.offset)
    target = net.point(pipe.code, way.plan(along, -10.5 if kind == "hydrant" else side))
    target.depth = pipe.cover
    size = {"JS": 100 if kind == "hydrant" else 150, "RQ": 110, "RL": 150, "DL": 600, "TX": 400}[
        pipe.code
    ]
    if kind == "hydrant":
        target.appurtenance = "消防栓"
    else:
        target.appurtenance = {"JS": "水表井", "RQ": "调压箱", "DL": "环网柜", "TX": "交接箱"}.get(
            pipe.code, ""
        )
        target.feature = "预留口" if pipe.code == "RL" else ""
    net.join(pipe.code, main, target, min(size, own), way.street.name, lateral=True)


def _describe(net: Network, pipe: PipeClass, p: Point, kind: str) -> None:
    """Feature or appurtenance of a point by its role; nodes are named once degrees are known."""
    cable = pipe.code in ("DL", "TX", "LD")
    well = "人孔" if pipe.code != "LD" else "手孔"
    if pipe.code == "LD":
        p.appurtenance = {"run": "灯杆", "valve": "灯杆", "end": "控制柜"}.get(kind, "手孔")
    elif kind in ("node", "service", "hydrant"):
        p.feature, p.appurtenance = ("", well) if cable else ("多通点", "")
    elif kind == "end":
        p.feature = "非普查区去向" if cable else "预留口"
    elif kind == "valve":
        p.appurtenance = "手孔" if cable else "阀门井"
    elif kind == "reducer":
        p.feature = "变径点" if not cable else "变深点"
    elif kind == "level":
        p.feature = "变坡点" if pipe.code == "RQ" else "变深点"
    elif cable:
        p.appurtenance = well if net.rng.random() < 0.75 else "手孔"
    elif pipe.code == "RL" and net.rng.random() < 0.4:
        p.appurtenance = "补偿器"
    else:
        p.feature = "直线点"


def pressure(net: Network) -> None:
    """Lay the classes that do not flow by gravity."""
    for pipe in CLASSES:
        if not pipe.gravity:
            for way in net.ways:
                if carries(way, pipe):
                    _runs(net, pipe, way)
    for p in net.points.values():
        if p.feature == "多通点":
            p.feature = {1: "预留口", 2: "弯头", 3: "三通", 4: "四通"}[p.degree]
    for line in net.lines:
        line.depths = (line.a.depth, line.b.depth)


def outfall(site: Site, offset: float, back: float) -> float:
    """Plan u where a line at ``offset`` of the trunk row is ``back`` metres short of the bank."""
    canal = site.canals[0]
    axis, edge = canal_axis(site, canal), canal.width / 2 + canal.bank + 0.3 + back
    v = site.rows[site.piped_rows[0]].at + offset
    us: F64 = np.arange(site.outfall_u - 60.0, site.outfall_u + 200.0, 0.5)
    en = site.to_en(np.column_stack([us, np.full(len(us), v)]))
    distance = shapely.distance(shapely.points(en), axis)
    return float(us[np.argmax((distance >= edge) & (us > us[np.argmin(distance)]))])


__all__ = ["KERB", "WELLS", "Line", "Network", "Point", "Way"]
