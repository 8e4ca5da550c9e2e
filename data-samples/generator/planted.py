"""A second survey with planted mistakes, and the list of what must be found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml

from . import refused
from .assemble import network
from .layout import Site
from .network import Network
from .sheets import write_xlsx
from .survey import METADATA, Cell, Table, height, tables

CODES = ("JS", "YS", "WS", "RQ", "DL")
WORKBOOK = "survey_with_mistakes.xlsx"


class _Planter:
    """Changes cells and keeps the list of what must be found for it."""

    def __init__(self, net: Network) -> None:
        self.sheets: dict[str, Table] = {}
        for code in CODES:
            for table in tables(net, code, names="{name}{kind}", generic=True, year_only=False):
                self.sheets[table.name] = table
        self.expected: list[dict[str, Any]] = []
        self.used: set[tuple[str, int]] = set()
        self.rng = Random(85)

    def expect(
        self, sheet: str, index: int, column: str | None, code: str, severity: str, zh: str, en: str
    ) -> None:
        """List a finding at data row ``index`` of a sheet."""
        row = self.sheets[sheet].first_row + index
        entry = {"sheet": sheet, "row": row, "column": column, "code": code, "severity": severity}
        self.expected.append({"file": WORKBOOK, **entry, "zh": zh, "en": en})
        self.used.add((sheet, index))

    def cell(
        self,
        sheet: str,
        index: int,
        column: str,
        value: Cell,
        code: str,
        severity: str,
        zh: str,
        en: str,
    ) -> None:
        """Put ``value`` into a cell and expect a finding there."""
        self.sheets[sheet].set(index, column, value)
        self.expect(sheet, index, column, code, severity, zh, en)

    def add(self, sheet: str, **values: Cell) -> int:
        """Append a row; returns its index."""
        table = self.sheets[sheet]
        table.rows.append([values.get(column) for column in table.columns])
        return len(table.rows) - 1

    def copy(self, sheet: str, index: int, **changes: Cell) -> int:
        """Append a changed copy of a row; returns its index."""
        table = self.sheets[sheet]
        table.rows.append(list(table.rows[index]))
        for column, value in changes.items():
            table.set(len(table.rows) - 1, column, value)
        return len(table.rows) - 1

    def free(
        self, sheet: str, *, where: Callable[[dict[str, Cell]], bool] = lambda row: True
    ) -> int:
        """A row, anywhere in the sheet, that carries no mistake yet."""
        table = self.sheets[sheet]
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        return self.rng.choice(
            [i for i, row in enumerate(rows) if (sheet, i) not in self.used and where(row)]
        )

    def number(self, sheet: str, index: int, column: str) -> float:
        """A cell that holds a number."""
        value = self.sheets[sheet].get(index, column)
        if not isinstance(value, int | float):
            raise TypeError(f"{sheet} {column}: {value!r}")
        return float(value)

    def refused_point(self, sheet: str, index: int) -> None:
        """Expect LN-03 at every line that uses a refused point."""
        number = self.sheets[sheet].get(index, "物探点号")
        lines = f"{sheet[:-1]}线"
        for i, row in enumerate(self.sheets[lines].rows):
            if number in row[:2]:
                self.expect(
                    lines,
                    i,
                    None,
                    "LN-03",
                    "error",
                    f"依赖被拒绝的点 {number}",
                    f"depends on the refused point {number}",
                )


def _main(row: dict[str, Cell]) -> bool:
    """Whether a line is a main sewer."""
    return row["管径"] not in ("DN200", "DN300")


def _fall(row: dict[str, Cell]) -> float:
    return float(str(row["起点高程"])) - float(str(row["终点高程"]))


def _plant(p: _Planter) -> None:
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


def write(site: Site, folder: Path) -> None:
    """Write the second survey, the refused files and ``expected.yaml``."""
    small = dataclasses.replace(
        site,
        piped_columns=site.piped_columns[:1],
        piped_rows=site.piped_rows[:2],
        reach=(190.0, 690.0),
    )
    net = network(small)
    planter = _Planter(net)
    _plant(planter)
    write_xlsx(folder / WORKBOOK, list(planter.sheets.values()), METADATA)
    head = (
        "# What must be found in the files of this folder. Written by data-samples/generate.py.\n"
        "# row: as a spreadsheet shows it. refused: nothing of the file may be stored.\n"
        "# may_follow: findings that are consequences of the mistakes listed.\n"
    )
    listing = {
        "findings": planter.expected,
        "files": refused.write(folder, net),
        "may_follow": ["TOP-01", "LN-13", "LN-07", "PT-07", "PT-09", "GRV-01"],
    }
    text = yaml.safe_dump(listing, allow_unicode=True, sort_keys=False, width=100)
    (folder / "expected.yaml").write_text(head + text, encoding="utf-8")
