"""Further planted mistakes: attributes, places, joints, accuracy and the statistics sheet."""

from __future__ import annotations

import math

from .planter import Planter
from .survey import Cell, Table

GAS_LINE: dict[str, Cell] = {
    "起点埋深": 1.2,
    "终点埋深": 1.2,
    "管径": "DN100",
    "材质": "聚乙烯",
    "埋设方式": "直埋",
    "压力": 0.4,
    "权属单位": "示例燃气权属单位",
    "建设年代": "2012-09-15",
    "道路名称": "纵6路",
    "使用状态": "在用",
}
CLASSES = {"JS": "给水", "YS": "雨水", "WS": "污水", "RQ": "燃气", "DL": "电力"}
TOTALS = "统计表"


def plant(p: Planter) -> None:
    """Plant them all; the statistics sheet comes last, for it counts what is there."""
    _words(p)
    _columns(p)
    _gas_places(p)
    _gas_joints(p)
    _network(p)
    _totals(p)


def _first(p: Planter, sheet: str, **where: Cell) -> int:
    """The first row that carries no mistake yet and holds these cells."""
    table = p.sheets[sheet]
    return next(
        i
        for i in range(len(table.rows))
        if (sheet, i) not in p.used and all(table.get(i, k) == v for k, v in where.items())
    )


def _cell(
    p: Planter, sheet: str, index: int, column: str, value: Cell, code: str, zh: str, en: str
) -> None:
    p.sheets[sheet].set(index, column, value)
    p.expect(sheet, index, column, code, "warning", zh, en)


def _add_column(p: Planter, sheet: str, column: str, value: Cell = None) -> None:
    table = p.sheets[sheet]
    table.columns.append(column)
    for row in table.rows:
        row.append(value)


def _words(p: Planter) -> None:
    k = _first(p, "给水点", 特征="直线点")
    _cell(p, "给水点", k, "特征", None, "STR-02", "特征与附属物均为空", "neither feature nor kind")
    k = _first(p, "雨水点", 附属物="窨井")
    _cell(p, "雨水点", k, "图上点号", None, "STR-02", "图上点号为空", "the map number is empty")
    k = _first(p, "给水线")
    _cell(p, "给水线", k, "权属单位", None, "STR-03", "权属单位为空", "the owner is empty")
    k = _first(p, "电力线")
    _cell(p, "电力线", k, "电缆条数", "多", "STR-04", "电缆条数为文字", "text for a number")
    k = _first(p, "燃气线")
    _cell(p, "燃气线", k, "材质", None, "CODE-04", "材质为空", "the material is empty")
    k = _first(p, "雨水点", 附属物="窨井")
    _cell(
        p, "雨水点", k, "备注", "#REF!", "STR-07", "备注中的公式错误", "a formula error in a note"
    )
    k = _first(p, "电力线", 管径="600X300")
    _cell(p, "电力线", k, "总孔数", 99, "LN-10", "断面容不下 99 孔", "no room for 99 holes")
    k = _first(p, "雨水线")
    again = p.copy("雨水线", k, 管径="DN1100")
    p.used.add(("雨水线", k))
    for end in ("起点点号", "连接点号"):
        p.follows_at_end("雨水线", k, end, "TOP-01", "TOP-07", "GRV-08")
    zh, en = "同起止点而规格不同", "the same ends and another size"
    p.expect("雨水线", again, None, "LN-02", "warning", zh, en)


def _columns(p: Planter) -> None:
    """Columns that the survey's tables do not have, right but for one row."""
    _add_column(p, "燃气线", "探测单位", "示例测绘单位")
    k = _first(p, "燃气线")
    _cell(p, "燃气线", k, "探测单位", "另一单位", "CODE-03", "整批应一致的列", "one of the batch")
    _add_column(p, "电力线", "光缆条数")
    k = _first(p, "电力线", 管径="600X300")
    _cell(p, "电力线", k, "光缆条数", 2, "CODE-04", "电缆、光缆同时填写", "cables and fibres")
    _add_column(p, "燃气线", "电压")
    k = _first(p, "燃气线")
    _cell(p, "燃气线", k, "电压", 10, "LN-12", "燃气管填有电压", "a voltage on gas")
    _add_column(p, "雨水线", "压力")
    k = _first(p, "雨水线")
    for end in ("起点点号", "连接点号"):
        p.follows_at_end("雨水线", k, end, "GRV-08")  # a pressure main is no part of the fall
    _cell(p, "雨水线", k, "压力", 0.4, "LN-12", "重力管填有压力", "a pressure in a gravity line")
    _add_column(p, "污水点", "井底高程")
    k = _first(p, "污水点", 附属物="窨井")
    bottom = p.number("污水点", k, "地面高程") - p.number("污水点", k, "井深")
    zh, en = "井底高程与井深不符", "the bottom is not ground less depth"
    _cell(p, "污水点", k, "井底高程", round(bottom - 0.3, 3), "PT-08", zh, en)
    _add_column(p, "污水线", "起点X")
    k = _first(p, "污水线")
    points = p.sheets["污水点"]
    start = points.row_of("物探点号", p.sheets["污水线"].get(k, "起点点号"))
    north = round(p.number("污水点", start, "X") + 0.5, 3)
    _cell(p, "污水线", k, "起点X", north, "LN-11", "与点表坐标不符", "not the point's northing")


def _gas_point(p: Planter, number: str, north: float, east: float, feature: str) -> int:
    return p.add(
        "燃气点",
        物探点号=number,
        图上点号=number,
        X=round(north, 3),
        Y=round(east, 3),
        地面高程=4.3,
        特征=feature,
        探测方式="隐蔽点",
    )


def _gas_line(p: Planter, start: Cell, end: Cell) -> int:
    unit: dict[str, Cell] = {"探测单位": "示例测绘单位"}
    return p.add("燃气线", 起点点号=start, 连接点号=end, **GAS_LINE, **unit)


def _gas_places(p: Planter) -> None:
    """Points and lines beside the network, north of it."""
    points = p.sheets["燃气点"]
    rows = range(len(points.rows))
    north = max(p.number("燃气点", i, "X") for i in rows) + 60.0
    east = min(p.number("燃气点", i, "Y") for i in rows)
    _gas_point(p, "RQ8101", north, east, "终点")
    _gas_point(p, "RQ8102", north, east + 30.0, "终点")
    lonely = _gas_line(p, "RQ8101", "RQ8102")
    p.expect("燃气线", lonely, None, "LN-13", "warning", "孤立管线", "a line that meets no other")
    _gas_point(p, "RQ8103", north + 30.0, east, "终点")
    _gas_point(p, "RQ8104", north + 30.0, east + 95.0, "直线点")
    _gas_point(p, "RQ8105", north + 30.0, east + 95.03, "终点")
    long = _gas_line(p, "RQ8103", "RQ8104")
    p.expect("燃气线", long, None, "LN-04", "warning", "管段超过 75 m", "longer than 75 m")
    short = _gas_line(p, "RQ8104", "RQ8105")
    p.expect("燃气线", short, None, "LN-05", "warning", "管段不足 0.05 m", "shorter than 0.05 m")
    k = _first(p, "燃气点", 特征="直线点")
    x, y = p.number("燃气点", k, "X"), p.number("燃气点", k, "Y")
    near = p.copy("燃气点", k, 物探点号="RQ8106", 图上点号="RQ8106", X=round(x + 0.004, 3), Y=y)
    p.used.add(("燃气点", k))
    p.expect("燃气点", near, None, "PT-02", "warning", "相距 4 mm 的两点", "points 4 mm apart")
    p.follows("燃气点", near, "LN-03")
    far = _gas_point(p, "RQ8107", north + 900.0, east, "直线点")
    p.expect("燃气点", far, None, "PT-05", "warning", "远离所有点的飞点", "far from every point")
    p.follows("燃气点", far, "LN-03")


def _gas_joints(p: Planter) -> None:
    """A line that leaves the level and the size of its neighbours, at points that do not say so;
    points of which nobody says how they were found."""
    points, lines = p.sheets["燃气点"], p.sheets["燃气线"]
    index = {points.get(i, "物探点号"): i for i in range(len(points.rows))}
    at: dict[Cell, list[int]] = {}
    for i in range(len(lines.rows)):
        for end in ("起点点号", "连接点号"):
            at.setdefault(lines.get(i, end), []).append(i)

    def plain(number: Cell) -> bool:
        own = index.get(number)
        clean = all(("燃气线", i) not in p.used for i in at[number])
        return (
            clean
            and own is not None
            and ("燃气点", own) not in p.used
            and points.get(own, "特征") == "直线点"
            and len(at[number]) == 2
        )

    ends = ("起点点号", "连接点号")
    k = next(i for i in range(len(lines.rows)) if all(plain(lines.get(i, end)) for end in ends))
    lines.set(k, "管径", "DN150")
    for end, side in zip(ends, ("起点", "终点"), strict=True):
        depth, z = (p.number("燃气线", k, f"{side}{name}") for name in ("埋深", "高程"))
        lines.set(k, f"{side}埋深", round(depth + 0.3, 3))
        lines.set(k, f"{side}高程", round(z - 0.3, 3))
        zh, en = "两侧埋深不一致", "the depth changes without a word"
        p.expect("燃气点", index[lines.get(k, end)], None, "LN-09", "warning", zh, en)
        zh, en = "两侧管径不一致", "the size changes without a word"
        p.expect("燃气点", index[lines.get(k, end)], None, "TOP-07", "warning", zh, en)
    p.used.add(("燃气线", k))
    hidden = [i for i in range(len(points.rows)) if points.get(i, "探测方式") == "隐蔽点"]
    silent = [i for i in hidden if ("燃气点", i) not in p.used][:4]
    for i in silent:
        points.set(i, "探测方式", None)
    zh, en = "隐蔽点未注明探测方式", "hidden points that do not say how"
    p.expect("燃气点", silent[0], "探测方式", "ACC-01", "warning", zh, en)


def _network(p: Planter) -> None:
    """Mistakes that only the network shows: a reducer that reduces nothing, a sewer too narrow, a
    gas pipe through a duct bank."""
    k = _first(p, "燃气点", 特征="直线点")
    zh, en = "变径点两侧同径", "a reducer between equal sizes"
    _cell(p, "燃气点", k, "特征", "变径", "TOP-07", zh, en)
    k = _first(p, "污水线", 管径="DN300")
    zh, en = "污水管径小于 300", "a sewer below DN300"
    _cell(p, "污水线", k, "管径", "DN250", "GRV-05", zh, en)
    duct = _first(p, "电力线", 管径="600X300")
    ends = [p.sheets["电力线"].get(duct, end) for end in ("起点点号", "连接点号")]
    rows = [p.sheets["电力点"].row_of("物探点号", number) for number in ends]
    (x, y), (x2, y2) = ((p.number("电力点", i, "X"), p.number("电力点", i, "Y")) for i in rows)
    north, east, along = (x + x2) / 2, (y + y2) / 2, math.hypot(x2 - x, y2 - y)
    across = (-(y2 - y) / along, (x2 - x) / along)
    for number, side in (("RQ8201", 4.0), ("RQ8202", -4.0)):
        place = (north + side * across[0], east + side * across[1])
        i = _gas_point(p, number, *place, "终点")
        p.sheets["燃气点"].set(i, "探测方式", "跟踪测量")
        ground = sum(p.number("电力点", i, "地面高程") for i in rows) / 2
        p.sheets["燃气点"].set(i, "地面高程", round(ground, 3))
    pipe = _gas_line(p, "RQ8201", "RQ8202")
    middle = sum(p.number("电力线", duct, f"{end}埋深") for end in ("起点", "终点")) / 2 + 0.15
    for end in ("起点", "终点"):
        p.sheets["燃气线"].set(pipe, f"{end}埋深", round(middle - 0.05, 3))
    p.expect("燃气线", pipe, None, "CLS-01", "error", "穿过电力管块", "through a duct bank")
    p.expect("电力线", duct, None, "CLS-01", "error", "被燃气管穿过", "a gas pipe runs through it")
    p.follows("燃气线", pipe, "LN-13", "CLS-02")
    p.follows("电力线", duct, "CLS-02")


def _totals(p: Planter) -> None:
    """The statistics sheet, wrong in the length of one class and the points of another."""
    rows: list[list[Cell]] = []
    for name in CLASSES.values():
        numbers = {row[0] for row in p.sheets[f"{name}点"].rows}
        rows.append([name, len(numbers), round(_length(p, name), 1)])
    p.sheets[TOTALS] = Table(TOTALS, ["管线种类", "点数", "长度(m)"], rows)
    length = list(CLASSES).index("WS")
    count = list(CLASSES).index("DL")
    p.sheets[TOTALS].set(length, "长度(m)", round(p.number(TOTALS, length, "长度(m)") - 120.0, 1))
    p.sheets[TOTALS].set(count, "点数", p.number(TOTALS, count, "点数") + 3)
    zh, en = "统计长度少 120 m", "the stated length is 120 m short"
    p.expect(TOTALS, length, "长度(m)", "TOT-01", "warning", zh, en)
    zh, en = "统计点数多 3 个", "the stated number of points is 3 too many"
    p.expect(TOTALS, count, "点数", "TOT-01", "warning", zh, en)


def _length(p: Planter, name: str) -> float:
    """Plane length of a class's lines, every pair of points once; nothing of points without (or
    with swapped) coordinates, so that what is stated is at most what is there."""
    points, lines = p.sheets[f"{name}点"], p.sheets[f"{name}线"]
    at: dict[Cell, tuple[float, float]] = {}
    for i in range(len(points.rows)):
        x, y = points.get(i, "X"), points.get(i, "Y")
        if isinstance(x, float) and isinstance(y, float) and x > y:
            at[points.get(i, "物探点号")] = (x, y)
    pairs = [(row[0], row[1], row[lines.columns.index("管径")]) for row in lines.rows]
    once = {(*sorted((str(a), str(b))), s) for a, b, s in pairs if a in at and b in at}
    return sum(math.dist(at[a], at[b]) for a, b, _ in once)
