"""A second survey with planted mistakes, and the list of what must be found."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import yaml

from . import planted_more, refused
from .assemble import network
from .layout import Site
from .network import Network
from .planter import WORKBOOK, Planter
from .sheets import write_xlsx
from .survey import METADATA, Cell, height


def _main(row: dict[str, Cell]) -> bool:
    """Whether a line is a main sewer."""
    return row["管径"] not in ("DN200", "DN300")


def _fall(row: dict[str, Cell]) -> float:
    return float(str(row["起点高程"])) - float(str(row["终点高程"]))


def _plant(p: Planter) -> None:
    points, lines = p.sheets["给水点"], p.sheets["给水线"]
    free = {"where": lambda row: row["管径"] == "DN200" or row["管径"] == "DN300"}

    def hydrant(n: int) -> int:
        k = points.columns.index("附属物")
        return [i for i, row in enumerate(points.rows) if row[k] == "消防栓"][n]

    # points
    h = hydrant(0)
    p.cell("给水点", h, "X", None, "STR-02", "error", "X 为空", "X is empty")
    p.refused_point("给水点", h)
    h = hydrant(1)
    p.cell(
        "给水点",
        h,
        "地面高程",
        "4.l8",
        "STR-04",
        "error",
        "地面高程中有字母",
        "a letter in the ground height",
    )
    p.refused_point("给水点", h)
    h = hydrant(2)
    x, y = points.get(h, "X"), points.get(h, "Y")
    points.set(h, "X", y)
    points.set(h, "Y", x)
    p.expect(
        "给水点", h, None, "PT-05", "error", "本行 X、Y 颠倒", "X and Y are swapped in this row"
    )
    p.refused_point("给水点", h)
    h = hydrant(3)
    again = p.copy("给水点", h, 地面高程=9.111)
    for row in (h, again):
        p.expect(
            "给水点",
            row,
            "物探点号",
            "PT-01",
            "error",
            "点号重复且数据不同",
            "same number, different data",
        )
    p.refused_point("给水点", h)
    k = p.free("给水点", where=lambda row: row["特征"] == "直线点")
    again = p.copy("给水点", k)
    p.expect(
        "给水点",
        again,
        "物探点号",
        "PT-01",
        "warning",
        "点号重复，数据相同",
        "same number, same data",
    )
    k = p.free("燃气点", where=lambda row: row["特征"] == "直线点")
    again = p.copy("燃气点", k, 物探点号="RQ8001", 图上点号="RQ8001")
    p.expect("燃气点", again, None, "PT-02", "error", "重合点", "same place, other number")
    k = p.free("燃气点", where=lambda row: row["附属物"] == "阀门井")
    p.cell(
        "燃气点",
        k,
        "井深",
        None,
        "PT-07",
        "warning",
        "阀门井缺井深",
        "a valve chamber without its depth",
    )
    k = p.free("污水点", where=lambda row: row["附属物"] == "窨井")
    p.cell(
        "污水点",
        k,
        "井深",
        1.0,
        "PT-09",
        "warning",
        "井底高于接入管底",
        "the well's bottom is above its pipes",
    )
    k = p.free("燃气点", where=lambda row: row["特征"] == "直线点")
    p.cell(
        "燃气点", k, "特征", "三通", "TOP-01", "warning", "三通只连两条管段", "a tee with two pipes"
    )
    k = p.free("电力点", where=lambda row: row["附属物"] == "人孔")
    p.cell(
        "电力点", k, "附属物", "怪井", "CODE-01", "warning", "未知附属物", "unknown appurtenance"
    )
    k = p.free("雨水点", where=lambda row: row["附属物"] == "窨井")
    p.cell("雨水点", k, "井深", 9999, "STR-05", "warning", "占位值 9999", "the placeholder 9999")
    p.follows("雨水点", k, "PT-07")
    north, east = p.number("给水点", 0, "X") + 30.0, p.number("给水点", 0, "Y") - 25.0
    lone = p.add(
        "给水点",
        物探点号="JS8002",
        图上点号="JS8002",
        X=round(north, 3),
        Y=round(east, 3),
        地面高程=points.get(0, "地面高程"),
        特征="直线点",
        探测方式="隐蔽点",
    )
    p.expect(
        "给水点",
        lone,
        None,
        "LN-03",
        "warning",
        "没有管线使用的孤立点",
        "a point that no line uses",
    )
    # lines
    k = p.free("给水线", **free)
    p.cell(
        "给水线", k, "管径", "DN3OO", "STR-06", "error", "管径中有字母 O", "letters O in the size"
    )
    k = p.free("给水线", **free)
    p.cell("给水线", k, "起点埋深", "1.2m", "STR-04", "error", "埋深带单位", "a unit in the depth")
    k = p.free("给水线", **free)
    p.cell("给水线", k, "终点埋深", "#REF!", "STR-07", "error", "公式错误", "a formula error")
    k = p.free("给水线", **free)
    p.cell("给水线", k, "材质", "竹筒", "CODE-01", "error", "未知材质", "unknown material")
    k = p.free("给水线", **free)
    p.follows_at_end("给水线", k, "连接点号", "TOP-01")
    p.cell(
        "给水线",
        k,
        "连接点号",
        "JS9999",
        "LN-03",
        "error",
        "点号不在点表",
        "not in the point table",
    )
    k = p.free("给水线", **free)
    p.cell("给水线", k, "管径", None, "STR-03", "error", "管径为空", "the size is empty")
    k = p.free("给水线", **free)
    start = lines.get(k, "起点点号")
    for end in ("起点点号", "连接点号"):
        p.follows_at_end("给水线", k, end, "TOP-01")
    p.cell(
        "给水线",
        k,
        "连接点号",
        start,
        "LN-01",
        "error",
        "起止点相同",
        "both ends are the same point",
    )
    k = p.free("燃气线")
    for end in ("起点点号", "连接点号"):
        p.follows_at_end("燃气线", k, end, "LN-09")
    p.cell(
        "燃气线", k, "材质", "铸铁", "CODE-02", "warning", "燃气管材质为铸铁", "cast iron on gas"
    )
    k = p.free("燃气线")
    ends = p.sheets["燃气线"]
    again = p.copy(
        "燃气线",
        k,
        起点点号=ends.get(k, "连接点号"),
        连接点号=ends.get(k, "起点点号"),
        起点埋深=ends.get(k, "终点埋深"),
        终点埋深=ends.get(k, "起点埋深"),
        起点高程=ends.get(k, "终点高程"),
        终点高程=ends.get(k, "起点高程"),
    )
    p.used.add(("燃气线", k))
    p.expect(
        "燃气线", again, None, "LN-02", "error", "重复线（起止颠倒）", "the same line, reversed"
    )
    k = p.free("燃气线")
    wrong = round(p.number("燃气线", k, "起点高程") + 0.35, 3)
    p.cell(
        "燃气线",
        k,
        "起点高程",
        wrong,
        "LN-08",
        "error",
        "地面高程 ≠ 埋深 + 管线高程",
        "ground is not depth plus height",
    )
    k = p.free("电力线", where=lambda row: row["管径"] == "600X300")
    p.cell(
        "电力线",
        k,
        "已用孔数",
        12,
        "LN-10",
        "error",
        "已用孔数大于总孔数",
        "more holes used than there are",
    )
    k = p.free("电力线")
    p.cell(
        "电力线", k, "埋设方式", "随便", "CODE-01", "error", "未知埋设方式", "unknown way of laying"
    )
    k = p.free("雨水线", where=_main)
    for end in ("起点点号", "连接点号"):
        p.follows_at_end("雨水线", k, end, "GRV-08")
    p.cell(
        "雨水线",
        k,
        "流向",
        None,
        "LN-12",
        "warning",
        "排水管缺流向",
        "a drain without flow direction",
    )
    k = p.free("雨水线", where=lambda row: _main(row) and abs(_fall(row)) > 0.035)
    sheet = p.sheets["雨水线"]
    sheet.set(k, "流向", "-" if sheet.get(k, "流向") == "+" else "+")
    p.expect("雨水线", k, None, "GRV-01", "warning", "沿流向逆坡", "rises along the flow")
    p.follows("雨水线", k, "GRV-02")
    for end in ("起点点号", "连接点号"):
        p.follows_at_end("雨水线", k, end, "GRV-08")
    sheet = p.sheets["污水线"]
    k = p.free("污水线", where=lambda row: row["管径"] == "DN300")
    p.cell(
        "污水线", k, "管径", "0.3", "STR-06", "warning", "管径疑为米", "a size in metres, it seems"
    )
    k = p.free("污水线", where=lambda row: row["管径"] == "DN300")
    ground = p.number("污水线", k, "起点埋深") + p.number("污水线", k, "起点高程")
    sheet.set(k, "起点埋深", 12.5)
    sheet.set(k, "起点高程", height(round(ground, 3), 12.5))
    p.expect("污水线", k, None, "LN-06", "warning", "埋深超过 10 m", "deeper than 10 m")
    p.follows("污水线", k, "LN-07", "GRV-01")
    p.follows_at_end("污水线", k, "起点点号", "PT-09")


def _small(site: Site) -> Network:
    """The network around one crossing of a site."""
    return network(
        dataclasses.replace(
            site,
            piped_columns=site.piped_columns[:1],
            piped_rows=site.piped_rows[:2],
            reach=(190.0, 690.0),
        )
    )


def write_sound(site: Site, path: Path) -> None:
    """Write the second survey as it is without mistakes (a workbook, not committed)."""
    write_xlsx(path, list(Planter(_small(site)).sheets.values()), METADATA)


def write(site: Site, folder: Path) -> None:
    """Write the second survey, the refused files and ``expected.yaml``."""
    net = _small(site)
    planter = Planter(net)
    _plant(planter)
    planted_more.plant(planter)
    write_xlsx(folder / WORKBOOK, list(planter.sheets.values()), METADATA)
    head = (
        "# What must be found in the files of this folder. Written by data-samples/generate.py.\n"
        "# row: as a spreadsheet shows it. refused: nothing of the file may be stored.\n"
        "# may_follow: findings that are consequences of the mistakes listed, only there.\n"
    )
    listing = {
        "findings": planter.expected,
        "files": refused.write(folder, net),
        "may_follow": planter.may_follow,
    }
    text = yaml.safe_dump(listing, allow_unicode=True, sort_keys=False, width=100)
    (folder / "expected.yaml").write_text(head + text, encoding="utf-8")
