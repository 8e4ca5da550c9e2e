"""What a filter's reader refuses, and where in the filter it stands."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from models.cql2.errors import FilterError
from models.cql2.tree import Expression, Kind

TEXTS: Final = (Kind.TEXT, Kind.UUID)
TIMES: Final = (Kind.DATE, Kind.TIMESTAMP)


def locate(error: FilterError, wrong: Any, document: Any, marks: dict[int, int]) -> None:
    """Say at which character of a text, or by which JSON pointer (RFC 6901), ``wrong`` stands."""
    if id(wrong) in marks:
        place = marks[id(wrong)]
        error.locate(f"character {place}", f"第 {place} 个字符")
        return
    left: list[tuple[Any, str]] = [] if marks or wrong is None else [(document, "")]
    while left:
        node, pointer = left.pop()
        if node is wrong:
            error.locate(f"'{pointer or '/'}' of the JSON", f"JSON 的“{pointer or '/'}”")
            return
        members = node.items() if isinstance(node, dict) else enumerate(node)
        left += [(m, f"{pointer}/{n}") for n, m in members if isinstance(m, dict | list)]


#: What the kinds are called in Chinese.
KINDS: Final = {
    Kind.TEXT: "文本",
    Kind.NUMBER: "数字",
    Kind.BOOLEAN: "布尔值",
    Kind.DATE: "日期",
    Kind.TIMESTAMP: "时刻",
    Kind.UUID: "UUID",
    Kind.GEOMETRY: "几何",
    Kind.INTERVAL: "区间",
    Kind.TEXTS: "文本数组",
    Kind.NUMBERS: "数字数组",
}


def refuse(where: str, found: Any, en: str, zh: str, found_zh: str = "") -> NoReturn:
    """Raise :func:`wrong`."""
    raise wrong(where, found, en, zh, found_zh)


def wrong(where: str, found: Any, en: str, zh: str, found_zh: str = "") -> FilterError:
    """What does not fit: found in the operator or part ``where``, expected ``en`` (``zh``).

    ``found_zh`` tells in Chinese what was found, where that is not what the client wrote.
    """
    shown = str(found)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    shown_zh = found_zh or (KINDS[found] if isinstance(found, Kind) else shown)
    inner, inner_zh = ("", "") if where == "filter" else (f", {where}", f"（{where}）")
    return FilterError(
        f"filter{inner}: found {shown}, expected {en}.",
        f"filter{inner_zh}：收到 {shown_zh}，应为{zh}。",
    )


def count(op: str, args: list[Any], wanted: int) -> None:
    """Refuse another number of operands than ``wanted``."""
    if len(args) != wanted:
        refuse(op, f"{len(args)} operands", f"{wanted} operands", f" {wanted} 个操作数",
               f"{len(args)} 个")  # fmt: skip


def alike(op: str, left: Expression, right: Expression) -> None:
    """Both of one kind; a day compares with a moment as its midnight in UTC."""
    for family in (TEXTS, TIMES, (Kind.NUMBER,), (Kind.BOOLEAN,)):
        if left.kind in family and right.kind in family:
            return
    refuse(op, f"{left.kind} and {right.kind}", "operands of one kind", "同类操作数",
           f"{KINDS[left.kind]}与{KINDS[right.kind]}")  # fmt: skip
