"""What a filter says of one row, by brute force in Python: no SQL, no tree of ours.

It walks CQL2 JSON as the standard writes it. ``None`` is NULL, in three-valued logic.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import shapely
from shapely.geometry import shape

Row = dict[str, Any]
FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)
LAST = dt.datetime.max.replace(tzinfo=dt.UTC)
#: What an end of a period is where the property has no value: it is open, not unknown.
OPEN = {"begun": FIRST, "ended": LAST}

SPATIAL: dict[str, Callable[[Any, Any], Any]] = {
    "s_intersects": shapely.intersects,
    "s_equals": shapely.equals,
    "s_disjoint": shapely.disjoint,
    "s_touches": shapely.touches,
    "s_within": shapely.within,
    "s_overlaps": shapely.overlaps,
    "s_crosses": shapely.crosses,
    "s_contains": shapely.contains,
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def both(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def negated(a: bool | None) -> bool | None:
    return None if a is None else not a


def either(a: bool | None, b: bool | None) -> bool | None:
    return negated(both(negated(a), negated(b)))


def evaluate(node: Any, row: Row) -> Any:
    """The value of ``node`` for ``row``."""
    if isinstance(node, list):
        return frozenset(node)
    if not isinstance(node, dict):
        return node
    if "property" in node:
        return row[node["property"]]
    if "date" in node:
        return dt.date.fromisoformat(node["date"])
    if "timestamp" in node:
        return dt.datetime.fromisoformat(node["timestamp"])
    if "interval" in node:
        return tuple(_end(e, row, d) for e, d in zip(node["interval"], (FIRST, LAST), strict=True))
    if "bbox" in node:
        return shapely.box(*node["bbox"])
    if "type" in node:
        return shape(node)
    return operate(node["op"], node["args"], row)


def operate(op: str, args: list[Any], row: Row) -> Any:
    if op in ("and", "or"):
        result: bool | None = op == "and"
        for arg in args:
            result = (both if op == "and" else either)(result, evaluate(arg, row))
        return result
    if op == "in":
        value, result = evaluate(args[0], row), False
        for item in args[1]:
            result = either(result, compare("=", value, evaluate(item, row)))
        return result
    values = [evaluate(arg, row) for arg in args]
    if op == "isNull":
        return values[0] is None
    if op == "between":
        return both(compare(">=", *values[:2]), compare("<=", values[0], values[2]))
    if any(value is None for value in values):
        return None
    if op == "not":
        return not values[0]
    if op in COMPARE:
        return compare(op, *values)
    if op == "like":
        return like(*values)
    if op == "casei":
        return values[0].upper().lower()
    if op == "accenti":
        plain = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", values[0]))
        return unicodedata.normalize("NFC", plain)
    if op in SPATIAL:
        return bool(SPATIAL[op](*values))
    if op.startswith("t_"):
        return temporal(op, period(values[0]), period(values[1]))
    if op.startswith("a_"):
        a, b = map(frozenset, values)
        return {"a_equals": a == b, "a_contains": a >= b, "a_containedBy": a <= b,
                "a_overlaps": bool(a & b)}[op]  # fmt: skip
    return arithmetic(op, *map(float, values))


def compare(op: str, a: Any, b: Any) -> bool | None:
    if a is None or b is None:
        return None
    if isinstance(a, dt.datetime) != isinstance(b, dt.datetime):
        a, b = midnight(a), midnight(b)
    return COMPARE[op](a, b)


def arithmetic(op: str, a: float, b: float) -> float | None:
    if op in ("/", "div", "%") and b == 0:
        return None
    if op == "^" and ((a < 0 and b != math.trunc(b)) or (a == 0 and b < 0)):
        return None
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case "div":
            return float(math.trunc(a / b))
        case "%":
            return math.fmod(a, b)
    return float(a**b)


def like(text: str, pattern: str) -> bool:
    out, at = "", 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
            out += re.escape(pattern[at])
        else:
            out += {"%": ".*", "_": "."}.get(pattern[at], re.escape(pattern[at]))
        at += 1
    return re.fullmatch(out, text, re.DOTALL) is not None


def midnight(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime.combine(value, dt.time(), dt.UTC)


def period(value: Any) -> tuple[Any, Any]:
    return value if isinstance(value, tuple) else (midnight(value), midnight(value))


def _end(node: Any, row: Row, otherwise: dt.datetime) -> dt.datetime | None:
    if node == "..":
        return otherwise
    if isinstance(node, str):
        text = node if "T" in node else f"{node}T00:00:00Z"
        return dt.datetime.fromisoformat(text)
    value = evaluate(node, row)
    return OPEN.get(node["property"]) if value is None else midnight(value)


def temporal(op: str, a: tuple[Any, Any], b: tuple[Any, Any]) -> bool | None:
    def sign(x: Any, y: Any) -> int | None:
        return None if x is None or y is None else (x > y) - (x < y)

    def has(x: Any, y: Any, wanted: int) -> bool | None:
        found = sign(x, y)
        return None if found is None else found == wanted

    (a0, a1), (b0, b1) = a, b
    apart = either(has(a1, b0, -1), has(a0, b1, 1))
    return {
        "t_after": lambda: has(a0, b1, 1),
        "t_before": lambda: has(a1, b0, -1),
        "t_disjoint": lambda: apart,
        "t_intersects": lambda: negated(apart),
        "t_equals": lambda: both(has(a0, b0, 0), has(a1, b1, 0)),
        "t_contains": lambda: both(has(a0, b0, -1), has(a1, b1, 1)),
        "t_during": lambda: both(has(a0, b0, 1), has(a1, b1, -1)),
        "t_finishedBy": lambda: both(has(a0, b0, -1), has(a1, b1, 0)),
        "t_finishes": lambda: both(has(a0, b0, 1), has(a1, b1, 0)),
        "t_meets": lambda: has(a1, b0, 0),
        "t_metBy": lambda: has(a0, b1, 0),
        "t_overlaps": lambda: both(has(a0, b0, -1), both(has(a1, b0, 1), has(a1, b1, -1))),
        "t_overlappedBy": lambda: both(has(a0, b0, 1), both(has(a0, b1, -1), has(a1, b1, 1))),
        "t_startedBy": lambda: both(has(a0, b0, 0), has(a1, b1, 1)),
        "t_starts": lambda: both(has(a0, b0, 0), has(a1, b1, -1)),
    }[op]()
