"""What is wrong with the header of a survey table, and what of it is not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ingest.mapping.header import Table
from ingest.mapping.words import SurveyWords
from ingest.readers.tables_grid import Grid
from models.findings import Finding, Place, Severity


def wrong(grid: Grid, table: Table, words: SurveyWords) -> list[Finding]:
    """Why a table cannot be read: a column twice, a required one absent, connections in a table of
    points (STR-01)."""
    row = grid.row(table.header_row)
    out = []
    for name in table.repeated:
        out.append(
            Finding(
                "STR-01",
                Severity.ERROR,
                Place(grid.file, grid.sheet, row, name),
                f"{grid.name} 表头“{name}”出现两次，无法判断以哪列为准。请删除或改名后再提交。",
                f"{grid.name}: the header “{name}” occurs twice and neither can be preferred. "
                "Delete or rename one column.",
                f"2 × {name}",
                f"1 × {name}",
            )
        )
    for name, guess in table.missing.items():
        zh, english = words.labels[name]
        hint_zh = (
            f"“{guess}”疑为该列：请改名，或在映射中声明 {guess}={name}。"
            if guess
            else "请补充该列。"
        )
        hint_en = (
            f"“{guess}” may be it. Rename it, or declare the mapping {guess}={name}."
            if guess
            else "Add the column."
        )
        headers = ", ".join(h for h in table.names if h)
        out.append(
            Finding(
                "STR-01",
                Severity.ERROR,
                Place(grid.file, grid.sheet, row, guess),
                f"{grid.name} 缺少必需列“{zh}”。{hint_zh}",
                f"{grid.name} has no column “{zh}” ({english}). {hint_en}",
                guess or (headers if len(headers) <= 200 else headers[:200] + "…"),
                zh,
            )
        )
    if _both(table):
        out.append(_connections(grid, table))
    return out


def notes(grid: Grid, table: Table, words: SurveyWords) -> list[Finding]:
    """What is told of a table that is read: columns that look like known ones (STR-10, info), and
    columns of lines in a table of points (STR-10, warning)."""
    return [*_alike(grid, table, words), *_unread(grid, table)]


def _alike(grid: Grid, table: Table, words: SurveyWords) -> list[Finding]:
    """One info finding on the unknown columns that look like known ones."""
    if not table.alike:
        return []
    pairs = [(name, *words.labels[field], field) for name, field in table.alike.items()]
    said_zh = "，".join(f"“{name}”疑为“{zh}”（{name}={field}）" for name, zh, _, field in pairs)
    said_en = ", ".join(f"“{name}” may be “{zh}”, {en} ({name}={f})" for name, zh, en, f in pairs)
    names = ", ".join(table.alike)
    return [
        Finding(
            "STR-10",
            Severity.INFO,
            Place(grid.file, grid.sheet, grid.row(table.header_row), pairs[0][0]),
            f"{grid.name} 有未识别的列，按附加属性保存：{said_zh}。"
            "如确为该列，请改名或在映射中声明。",
            f"{grid.name} has columns that are not known and kept as attributes: {said_en}. "
            "Rename them or declare the mapping if they are.",
            names if len(names) <= 200 else names[:200] + "…",
            ", ".join(zh for _, zh, _, _ in pairs),
        )
    ]


_ENDS: Final = frozenset({"from_no", "to_no"})


def _both(table: Table) -> bool:
    """Whether a table holds placed points and connections, and is read for one of them only."""
    return bool(table.unread) and (table.role == "line" or "to_no" in table.unread.values())


def _ends(table: Table, fields: Mapping[str, int]) -> list[str]:
    return [str(table.names[index]) for name, index in fields.items() if name in _ENDS]


def _connections(grid: Grid, table: Table) -> Finding:
    names = [n for fields in table.columns.values() for n in _ends(table, fields)]
    names += [n for n, to in table.unread.items() if to in _ENDS]
    name, said = next(iter(table.unread)), "、".join(names)
    return Finding(
        "STR-01",
        Severity.ERROR,
        Place(grid.file, grid.sheet, grid.row(table.header_row), name),
        f"{grid.name} 既有物探点号和坐标，又有管线两端的列“{said}”，"
        "无法判断是点表、线表还是成果表，读作其中一种会丢失点或管线。请拆成点表和线表，或删除起点列，只保留物探点号和连接点号"
        "（成果表）。",
        f"{grid.name} has point numbers with coordinates and both ends of lines, “{said}”; read as "
        "one of the two it would lose points or lines. Split it into a point and a line table, or "
        "delete the start column and leave point number and connected point (a result table).",
        ", ".join(table.unread),
        "物探点号, 连接点号 / 起点点号, 终点点号",
    )


def _unread(grid: Grid, table: Table) -> list[Finding]:
    """One warning on the columns of lines in a table of points, unless it is refused for them."""
    if not table.unread or _both(table):
        return []
    said = ", ".join(table.unread)
    return [
        Finding(
            "STR-10",
            Severity.WARNING,
            Place(grid.file, grid.sheet, grid.row(table.header_row), next(iter(table.unread))),
            f"{grid.name} 是点表，管线列“{said}”不作为管线读取，只按附加属性保存。"
            "如有管线，请补充“连接点号”列（成果表）或另交线表。",
            f"{grid.name} is a point table; its columns of lines, “{said}”, make no lines and are "
            "kept as attributes. Add the column 连接点号 (a result table) or deliver a line table "
            "if there are lines.",
            said,
            "连接点号 connected point",
        )
    ]
