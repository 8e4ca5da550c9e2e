"""Surveys of which half was handed in: points without lines, or lines of a class without points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from models import pipes
from models.findings import Finding, Place, Severity

if TYPE_CHECKING:
    from ingest.readers.survey_sheets import SourceTable

_COLUMNS: Final = {
    "line": "起点点号、连接点号、管径、埋深",
    "point": "物探点号、X、Y、地面高程",
}
_NAMES: Final = {"line": ("线表", "line table"), "point": ("点表", "point table")}
_OTHER: Final = {"line": "point", "point": "line"}


def lone(tables: Sequence[SourceTable]) -> dict[str | None, list[Finding]]:
    """STR-08 for every table whose counterpart is nowhere in the delivery, by class.

    A network needs both: points tell where, lines what runs between them. Without any line table
    every point table is alone. Beyond that only classes are judged that the names of the tables
    say: where a column does, or nothing, one table may hold what another needs.
    """
    of = {role: [t for t in tables if role in t.table.columns] for role in _NAMES}
    out: dict[str | None, list[Finding]] = {}
    for role, own in of.items():
        others = of[_OTHER[role]]
        if others and any(_open(t, r) for r, held in of.items() for t in held):
            continue
        there = {_major(t.class_code) for t in others}
        for table in own:
            if not others or _major(table.class_code) not in there:
                out.setdefault(table.class_code, []).append(_finding(table, role))
    return out


def _open(table: SourceTable, role: str) -> bool:
    """Whether the rows of a table may be of another class than its name says."""
    columns = table.table.columns[role]
    return table.class_code is None or bool({"class_code", "feature_code"} & columns.keys())


def _major(code: str | None) -> str | None:
    found = pipes.classes().get(code) if code else None
    return found.major if found else code


def _finding(source: SourceTable, role: str) -> Finding:
    grid, missing = source.grid, _OTHER[role]
    zh, en = _NAMES[role]
    need_zh, need_en = _NAMES[missing]
    kind = pipes.classes().get(source.class_code) if source.class_code else None
    kind_zh, kind_en = (kind.zh, f"{kind.en}: ") if kind else ("", "")
    return Finding(
        "STR-08",
        Severity.ERROR,
        Place(grid.file, grid.sheet),
        f"{grid.name} 是{kind_zh}{zh}，但交付中没有与之对应的{kind_zh}{need_zh}，无法构成管网，"
        f"不予读取。请把{need_zh}（{_COLUMNS[missing]}）放在同一文件夹或工作簿中一并提交。",
        f"{grid.name} is a {en}, but the delivery has no {need_en} for it ({kind_en}a network "
        f"needs both), so it is not read. Deliver the {need_en} ({_COLUMNS[missing]}) with it, in "
        "the same folder or workbook.",
        f"{zh} {en}",
        f"{need_zh} {need_en}",
    )
