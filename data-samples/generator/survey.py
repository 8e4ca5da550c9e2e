"""The network as survey tables: what a surveyor hands over, as text and numbers by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from .assemble import by_class
from .classes import BY_CODE, PipeClass
from .network import Line, Network, Point

Cell = str | int | float | None

UNIT = "示例测绘单位"
METADATA: tuple[tuple[str, str], ...] = (
    ("坐标系", "CGCS2000 3度带 120E"),
    ("高程基准", "1985国家高程基准"),
    ("测量单位", UNIT),
)


@dataclass
class Table:
    """A point or line table of one class.

    ``groups`` name a span of columns in a header row above; ``units`` adds a row of units below
    the header; ``preamble`` rows stand above everything. Rows hold one cell a column.
    """

    name: str
    columns: list[str]
    rows: list[list[Cell]]
    title: str | None = None
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    preamble: tuple[tuple[str, str], ...] = ()

    @property
    def first_row(self) -> int:
        """Spreadsheet row (from 1) of the first data row."""
        above = len(self.preamble) + (self.title is not None) + bool(self.groups) + bool(self.units)
        return above + 2

    def row_of(self, column: str, value: Cell) -> int:
        """Index in ``rows`` of the first row whose ``column`` holds ``value``."""
        k = self.columns.index(column)
        return next(i for i, row in enumerate(self.rows) if row[k] == value)

    def set(self, index: int, column: str, value: Cell) -> int:
        """Change a cell; returns its spreadsheet row."""
        self.rows[index][self.columns.index(column)] = value
        return self.first_row + index

    def get(self, index: int, column: str) -> Cell:
        """A cell."""
        return self.rows[index][self.columns.index(column)]


def height(ground: float, depth: float) -> float:
    """Ground minus depth, exact in millimetres."""
    return (round(ground * 1000) - round(depth * 1000)) / 1000


POINT = [
    "物探点号",
    "图上点号",
    "X",
    "Y",
    "地面高程",
    "特征",
    "附属物",
    "井深",
    "井盖材质",
    "探测方式",
    "备注",
]
POLE = POINT.index("井深")  # where the height of poles stands, in tables that have any
ENDS = ["起点点号", "连接点号", "起点埋深", "终点埋深"]
TAIL = ["权属单位", "建设年代", "道路名称", "使用状态"]


def point_table(name: str, points: Sequence[Point]) -> Table:
    """A point table: X is the northing, Y the easting; poles have a height."""
    poles = any(p.appurtenance == "灯杆" for p in points)
    rows: list[list[Cell]] = []
    for p in points:
        seen = bool(p.appurtenance)
        cover = None if p.well is None else ("球墨铸铁" if p.code != "LD" else "复合材料")
        rows.append(
            [
                p.no,
                p.no,
                p.north,
                p.east,
                p.ground,
                p.feature or None,
                p.appurtenance or None,
                p.well,
                cover,
                "明显点" if seen else "隐蔽点",
                None,
            ]
        )
        if poles:
            rows[-1].insert(POLE, 9.0 if p.appurtenance == "灯杆" else None)
    return Table(name, [*POINT[:POLE], *["杆高"] * poles, *POINT[POLE:]], rows)


def line_columns(pipe: PipeClass, generic: bool) -> list[str]:
    """Columns of a class's line table; ``generic`` names the heights without top or bottom."""
    if generic:
        heights = ["起点高程", "终点高程"]
    else:
        ref = "管底" if pipe.gravity else "管顶"
        heights = [f"起点{ref}高程", f"终点{ref}高程"]
    own = {
        "YS": ["流向"],
        "WS": ["流向"],
        "JS": ["压力"],
        "RQ": ["压力"],
        "RL": ["压力"],
        "LD": ["电压", "电缆条数"],
        "DL": ["电压", "电缆条数", "总孔数", "已用孔数"],
        "TX": ["总孔数", "已用孔数"],
    }[pipe.code]
    return [*ENDS, *heights, "管径", "材质", "埋设方式", *own, *TAIL]


def line_table(
    name: str, lines: Sequence[Line], rng: Random, *, generic: bool = False, year_only: bool = False
) -> Table:
    """A line table of one class. Some gravity lines are booked against the flow, as happens."""
    pipe = BY_CODE[lines[0].code]
    columns = line_columns(pipe, generic)
    rows = [_line_row(pipe, line, columns, rng, year_only) for line in lines]
    return Table(name, columns, rows)


def _line_row(
    pipe: PipeClass, line: Line, columns: list[str], rng: Random, year_only: bool
) -> list[Cell]:
    ends, depths, flow = (line.a, line.b), line.depths, "+"
    if line.flow and rng.random() < 0.12:
        ends, depths, flow = ends[::-1], depths[::-1], "-"
    size = f"{line.size}X{pipe.height}" if pipe.height else f"DN{line.size}"
    holes = {"DL": 8, "TX": 6}.get(pipe.code, 0)
    used = rng.randint(holes // 3, holes - 1) if holes else 0
    year = 2009 + (sum(map(ord, line.road)) + 3 * ord(pipe.code[0])) % 13
    values: dict[str, Cell] = {
        "起点点号": ends[0].no,
        "连接点号": ends[1].no,
        "起点埋深": depths[0],
        "终点埋深": depths[1],
        "管径": size,
        "材质": "PVC" if pipe.code == "YS" and line.size == 200 else pipe.material,
        "埋设方式": pipe.embed,
        "流向": flow,
        "权属单位": f"示例{pipe.name}权属单位",
        "建设年代": str(year) if year_only else f"{year}-{1 + year % 12:02d}-15",
        "道路名称": line.road,
        "使用状态": "在用",
        "总孔数": holes,
        "已用孔数": used,
        "电缆条数": used if holes else 2,
    }
    values.update({k: float(v) for k, v in pipe.extra})
    for column in columns:
        if column.startswith("起点") and column.endswith("高程"):
            values[column] = height(ends[0].ground, depths[0])
        elif column.startswith("终点") and column.endswith("高程"):
            values[column] = height(ends[1].ground, depths[1])
    return [values.get(column) for column in columns]


def add_class(table: Table, minor: str) -> Table:
    """Put a column 管线种类 in front."""
    table.columns.insert(0, "管线种类")
    for row in table.rows:
        row.insert(0, minor)
    return table


def tables(
    net: Network, code: str, *, names: str, generic: bool, year_only: bool
) -> tuple[Table, Table]:
    """Point and line table of a class; ``names`` is a pattern with {code}, {name} and {kind}."""
    pipe = BY_CODE[code]
    points, lines = by_class(net, code)
    rng = Random(f"{net.site.twin}/{code}")
    kinds = ("点", "线") if "{name}" in names else ("Point", "Line")
    title = [names.format(code=code, name=pipe.name, kind=kind) for kind in kinds]
    return (
        point_table(title[0], points),
        line_table(title[1], lines, rng, generic=generic, year_only=year_only),
    )
