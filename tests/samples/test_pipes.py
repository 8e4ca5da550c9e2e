"""The sample surveys as a surveyor's checker sees them, straight from the tables."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import shapely
import yaml

from ingest.readers.base import ReadOptions
from ingest.readers.survey import SurveyReader
from models.findings import Severity

GRAVITY = {"YS", "WS"}
DEGREES = {"三通": 3, "四通": 4, "弯头": 2, "直线点": 2, "变深点": 2, "变坡点": 2, "变径点": 2}
DEGREES |= {"预留口": 1, "出水口": 1, "消防栓": 1, "雨水箅": 1, "非普查区去向": 1}
SPACING = ((600, 75.0), (1000, 100.0), (1500, 150.0))  # GB 50014 5.4.4: up to DN, m


@dataclass(frozen=True)
class Pipe:
    """A line as the tables give it; heights of the reference (invert or top), m."""

    code: str
    ends: tuple[str, str]
    plan: shapely.LineString
    heights: tuple[float, float]
    depths: tuple[float, float]
    width: float
    height: float
    flow: str

    @property
    def length(self) -> float:
        return float(self.plan.length)

    def band(self, at: shapely.Point) -> tuple[float, float]:
        """Lower and upper surface at a plan point."""
        t = self.plan.project(at, normalized=True)
        z = self.heights[0] + t * (self.heights[1] - self.heights[0])
        return (z, z + self.height) if self.code in GRAVITY else (z - self.height, z)


@pytest.fixture(scope="module")
def points(survey: dict) -> dict[str, dict[str, str]]:
    listed = [row for rows, _ in survey.values() for row in rows]
    found = {row["物探点号"]: row for row in listed}
    assert len(found) == len(listed)
    return found


@pytest.fixture(scope="module")
def pipes(survey: dict, points: dict) -> list[Pipe]:
    return [_pipe(code, row, points) for code, (_, rows) in survey.items() for row in rows]


def _pipe(code: str, row: dict[str, str], points: dict) -> Pipe:
    ends = row["起点点号"], row["连接点号"]
    plan = [(float(points[p]["Y"]), float(points[p]["X"])) for p in ends]
    size = [int(n) / 1000 for n in re.findall(r"\d+", row["管径"])]
    heights = [float(v) for k, v in row.items() if re.fullmatch("[起终]点(管[顶底])?高程", k)]
    depths = (float(row["起点埋深"]), float(row["终点埋深"]))
    line = shapely.LineString(plan)
    return Pipe(
        code, ends, line, (heights[0], heights[1]), depths, size[0], size[-1], row.get("流向", "")
    )


def test_eight_classes_and_eight_kilometres(survey: dict, pipes: list[Pipe]) -> None:
    assert len(survey) == 8
    assert sum(p.length for p in pipes) >= 8000.0
    assert all(sum(p.length for p in pipes if p.code == code) > 500.0 for code in survey)


def test_ground_is_depth_plus_height_exactly(survey: dict, points: dict) -> None:
    for _, rows in survey.values():
        for row in rows:
            for end, number in (("起点", row["起点点号"]), ("终点", row["连接点号"])):
                (height,) = (v for k, v in row.items() if re.fullmatch(f"{end}(管[顶底])?高程", k))
                total = Decimal(row[f"{end}埋深"]) + Decimal(height)
                assert total == Decimal(points[number]["地面高程"]), row


def test_x_is_the_northing(points: dict) -> None:
    assert all(3.42e6 < float(p["X"]) < 3.46e6 for p in points.values())
    assert all(6.1e5 < float(p["Y"]) < 6.3e5 for p in points.values())


def test_ground_is_that_of_the_terrain(points: dict, ground: Callable[..., np.ndarray]) -> None:
    y, x, h = (np.array([float(p[k]) for p in points.values()]) for k in ("Y", "X", "地面高程"))
    dry = np.array([p["特征"] != "出水口" for p in points.values()])
    assert np.abs(ground(y, x) - h)[dry].max() < 0.3


def test_degrees_fit_features(points: dict, pipes: list[Pipe]) -> None:
    degree = Counter(itertools.chain.from_iterable(p.ends for p in pipes))
    assert points.keys() == degree.keys()
    for number, point in points.items():
        name = point["特征"] or point["附属物"]
        assert degree[number] == DEGREES.get(name, degree[number]), (number, name)
        assert bool(point["特征"]) != bool(point["附属物"])


def test_wells_reach_their_lowest_pipe(points: dict, pipes: list[Pipe]) -> None:
    wells = set()
    for pipe in pipes:
        for number, depth in zip(pipe.ends, pipe.depths, strict=True):
            if points[number]["附属物"] in ("窨井", "跌水井", "阀门井", "人孔", "手孔", "水表井"):
                assert float(points[number]["井深"]) >= depth - 0.001, number
                wells.add(number)
    assert len(wells) > 50


def _downhill(pipes: list[Pipe], code: str) -> list[tuple[str, str, float, float, Pipe]]:
    """(upper point, lower point, upper invert, lower invert, pipe) of mains and laterals."""
    found = []
    for p in pipes:
        if p.code == code:
            (a, b), (za, zb) = p.ends, p.heights
            found.append((a, b, za, zb, p) if p.flow == "+" else (b, a, zb, za, p))
    return found


@pytest.mark.parametrize("code", sorted(GRAVITY))
def test_sewers_fall_all_the_way_to_one_outfall(pipes: list[Pipe], code: str) -> None:
    lines = _downhill(pipes, code)
    leaving = {a: (b, za, p) for a, b, za, _, p in lines}
    assert len(leaving) == len(lines)  # one way out of every point
    for a, b, za, zb, p in lines:
        diameter = round(p.width * 1000)
        least = 0.01 if diameter == 200 else 0.003 if diameter == 300 else 0.001
        assert (za - zb) / p.length >= least - 1e-4, (a, b)
        if b in leaving:
            assert leaving[b][1] <= zb + 1e-9, (a, b)
            assert leaving[b][2].width >= p.width, (a, b)
    ends = set()
    for start in leaving:
        here, steps = start, 0
        while here in leaving:
            here, steps = leaving[here][0], steps + 1
            assert steps <= len(lines)
        ends.add(here)
    assert len(ends) == 1


@pytest.mark.parametrize("code", sorted(GRAVITY))
def test_manholes_at_legal_spacing(pipes: list[Pipe], code: str) -> None:
    sewers = [p for p in pipes if p.code == code]
    assert sewers
    for p in sewers:
        limit = next(most for dn, most in SPACING if p.width * 1000 <= dn)
        assert p.length <= limit


def test_cover(pipes: list[Pipe]) -> None:
    """GB 50289-2016 table 4.1.1 under carriageways as the domain reference gives it."""
    least = {"LD": 0.5, "TX": 0.9, "DL": 0.5, "RQ": 0.9, "RL": 1.0, "JS": 0.7, "YS": 0.7, "WS": 0.7}
    for p in pipes:
        top = min(p.depths) - (p.height if p.code in GRAVITY else 0.0)
        assert top >= least[p.code] - 1e-6, p.ends


def test_no_two_lines_touch(pipes: list[Pipe]) -> None:
    """Bands of outer width in plan; where two overlap, their bodies keep apart in height."""
    grown = [p.width * 1.2 / 2 for p in pipes]
    bodies = shapely.buffer(np.array([p.plan for p in pipes]), grown, cap_style="flat")
    left, right = shapely.STRtree(bodies).query(bodies, predicate="intersects")
    crossings = 0
    for i, j in zip(left.tolist(), right.tolist(), strict=True):
        a, b = pipes[i], pipes[j]
        if i >= j or set(a.ends) & set(b.ends):
            continue
        crossings += 1
        at = bodies[i].intersection(bodies[j]).centroid
        (low_a, high_a), (low_b, high_b) = a.band(at), b.band(at)
        assert max(low_a - high_b, low_b - high_a) > 0.05, (a.ends, b.ends)
    assert crossings > 100


def test_lines_side_by_side_keep_their_distance(pipes: list[Pipe]) -> None:
    """Clearances of GB 50289-2016 table 4.1.9 between lines that run side by side."""
    least = {("RQ", "RL"): 1.0, ("JS", "DL"): 0.5, ("RQ", "TX"): 1.0, ("LD", "JS"): 0.5}
    least |= {("YS", "RL"): 1.5, ("WS", "YS"): 1.0}
    beside = set()
    for (x, y), limit in least.items():
        first = [p for p in pipes if p.code == x]
        tree = shapely.STRtree([p.plan for p in pipes if p.code == y])
        second = [p for p in pipes if p.code == y]
        for p in first:
            for k in tree.query(p.plan, predicate="dwithin", distance=3.0):
                q = second[int(k)]
                if _parallel(p, q):
                    gap = p.plan.distance(q.plan) - (p.width + q.width) / 2
                    assert gap >= limit - 1e-6, (p.ends, q.ends)
                    beside.add((x, y))
    assert beside


def _parallel(p: Pipe, q: Pipe) -> bool:
    (a, b), (c, d) = p.plan.coords, q.plan.coords
    angle = math.atan2(b[1] - a[1], b[0] - a[0]) - math.atan2(d[1] - c[1], d[0] - c[0])
    return abs(math.sin(angle)) < 0.1 and min(p.length, q.length) > 5.0


def test_our_reader_warns_of_nothing_in_them(twin: str, root: Path) -> None:
    reader = SurveyReader()
    rows = yaml.safe_load((root / "samples.yaml").read_text("utf-8"))
    classes: set[str] = set()
    for row in rows:
        if row["twin"] == twin and row["dataset"].startswith("pipes"):
            for group in reader.group([root / name for name in row["files"]]):
                delivery = reader.read(group, ReadOptions())
                graver = {f.code for f in delivery.findings if f.severity is not Severity.INFO}
                assert not graver
                assert not delivery.errors
                assert sum(map(len, delivery.tables.values())) == delivery.features_in
                assert (delivery.passport.horizontal, delivery.passport.vertical) == (
                    "EPSG:4549",
                    "1985",
                )
                classes |= set(delivery.tables["pipe_segment"]["class_code"])
    assert len(classes) == 8
