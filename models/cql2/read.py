"""CQL2 JSON (or text) to the typed tree: every name is looked up, every type and size checked.

What a translator could be made to do with a filter is decided here: operators and functions of
:mod:`models.cql2.operators`, properties that the caller lists, literals of known types, and limits
on length, depth, number of nodes, length of lists and vertices. OGC 21-065r2 clauses 6 to 8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import orjson

from models.cql2 import operators as ops
from models.cql2 import text as cql2_text
from models.cql2 import tree
from models.cql2.errors import FilterError, NotListedError
from models.cql2.geometry import Placing, Transform, read_bbox, read_geometry
from models.cql2.moments import read_date, read_instant, read_timestamp
from models.cql2.refusals import KINDS, TEXTS, TIMES, alike, count, locate, refuse, wrong
from models.cql2.tree import Call, Expression, Kind

Language: TypeAlias = Literal["cql2-text", "cql2-json"]
#: What a caller lists of a property: its kind, or the very node that a filter gets.
Listed: TypeAlias = Kind | tree.Property

#: Bytes of a filter (an address must hold them, beside what else it asks), nodes of its tree,
#: values in a list.
MOST_BYTES: Final = 60_000
MOST_NODES: Final = 1_000
MOST_VALUES: Final = 1_000

_ARRAYS: Final = (Kind.TEXTS, Kind.NUMBERS)
_ORDERED: Final = (*TEXTS, Kind.NUMBER, *TIMES)


def parse(
    source: str,
    properties: Mapping[str, Listed],
    *,
    language: Language = "cql2-text",
    transform: Transform | None = None,
    place: Placing | None = None,
) -> Call | tree.Property | tree.Literal:
    """The tree of a filter over ``properties`` (name -> kind), which evaluates to a Boolean.

    ``transform`` takes a shapely geometry of the filter's CRS (in the order in which it was
    written) into the storage CRS; without it geometries stay as they are. ``place`` makes a box of
    its corners there, since only who knows the CRS knows its axes and unit; without it they are
    degrees, east first. Raises :class:`FilterError`, and :class:`NotListedError` for a function or
    property that is not listed.
    """
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        raise FilterError(
            f"filter: found {size} bytes, at most {MOST_BYTES} are read. Shorten it.",
            f"filter：长度 {size} 字节，上限 {MOST_BYTES}，请缩短。",
        )
    marks: dict[int, int] = {}
    if language == "cql2-text":
        document, marks = cql2_text.marked(source)
    else:
        try:
            document = orjson.loads(source)
        except orjson.JSONDecodeError as error:
            raise FilterError(
                f"filter: not JSON ({error}). Send CQL2 JSON, or filter-lang=cql2-text.",
                f"filter：不是 JSON（{error}）。请发送 CQL2 JSON，或用 filter-lang=cql2-text。",
            ) from error
    reader = _Reader(properties, transform, place)
    try:
        found = reader.expression(document, 0)
    except FilterError as error:
        locate(error, reader.wrong, document, marks)
        raise
    if isinstance(found, tree.Interval | tree.Geometry | tree.Array) or found.kind != Kind.BOOLEAN:
        refuse("filter", found.kind, "a condition, such as height > 20", "条件，如 height > 20")
    return found


class _Reader:
    def __init__(
        self,
        properties: Mapping[str, Listed],
        transform: Transform | None,
        place: Placing | None,
    ) -> None:
        self.properties = properties
        self.transform, self.place = transform, place
        self.nodes = 0
        self.vertices = 0
        self.wrong: dict[str, Any] | None = None

    def expression(self, node: Any, depth: int) -> Expression:
        """Any expression. Raises :class:`FilterError`; ``wrong`` is then the innermost object that
        holds what it is about."""
        try:
            return self.known(node, depth)
        except FilterError:
            if self.wrong is None and isinstance(node, dict):
                self.wrong = node
            raise

    def known(self, node: Any, depth: int) -> Expression:
        self.nodes += 1
        if self.nodes > MOST_NODES or depth > cql2_text.MOST_DEPTH * 2:
            raise FilterError(
                f"filter: more than {MOST_NODES} parts, or nested deeper than "
                f"{cql2_text.MOST_DEPTH * 2}. Simplify it.",
                f"filter：超过 {MOST_NODES} 个成分，或嵌套深于 "
                f"{cql2_text.MOST_DEPTH * 2} 层，请简化。",
            )
        match node:
            case bool():
                return tree.Literal(node, Kind.BOOLEAN)
            case int() | float():
                return tree.Literal(_finite(node), Kind.NUMBER)
            case str():
                return tree.Literal(_text(node), Kind.TEXT)
            case list():
                return self.array(node)
            case {"property": str(name), **rest} if not rest:
                return self.property(name)
            case {"date": str(day), **rest} if not rest:
                return tree.Literal(read_date(day), Kind.DATE)
            case {"timestamp": str(moment), **rest} if not rest:
                return tree.Literal(read_timestamp(moment), Kind.TIMESTAMP)
            case {"interval": [start, end], **rest} if not rest:
                return tree.Interval(self.end(start, depth), self.end(end, depth))
            case {"bbox": list(numbers), **rest} if not rest:
                return tree.Geometry(read_bbox(numbers, self.place, self.transform))
            case {"type": str(), **rest} if "op" not in rest:
                shape, self.vertices = read_geometry(node, self.transform, self.vertices)
                return tree.Geometry(shape)
            case {"op": str(op), "args": list(args), **rest} if not rest:
                return self.call(op, args, depth + 1)
        raise wrong("filter", node, "an expression of CQL2 JSON", "CQL2 JSON 表达式")

    def property(self, name: str) -> tree.Property:
        found = self.properties.get(name)
        if found is None:
            raise NotListedError("property", name, tuple(self.properties))
        return found if isinstance(found, tree.Property) else tree.Property(name, found)

    def end(self, node: Any, depth: int) -> Expression | None:
        """An end of a period: a moment, a property, or None for ``..``."""
        if node == "..":
            return None
        if isinstance(node, str):
            value, kind = read_instant(node)
            return tree.Literal(value, kind)
        return self.of(node, depth + 1, "interval", TIMES)

    def array(self, items: list[Any]) -> tree.Array:
        """Literals of one kind, texts or numbers."""
        if len(items) > MOST_VALUES:
            refuse("array", f"{len(items)} values", f"at most {MOST_VALUES}",
                   f"至多 {MOST_VALUES} 个", f"{len(items)} 个值")  # fmt: skip
        if all(isinstance(item, str) for item in items):
            values = [tree.Literal(_text(item), Kind.TEXT) for item in items]
            return tree.Array(tuple(values), Kind.TEXTS)
        if all(isinstance(item, int | float) and not isinstance(item, bool) for item in items):
            numbers = [tree.Literal(_finite(item), Kind.NUMBER) for item in items]
            return tree.Array(tuple(numbers), Kind.NUMBERS)
        raise wrong("array", items, "texts only or numbers only", "全为文本或全为数字")

    def of(self, node: Any, depth: int, where: str, kinds: tuple[Kind, ...]) -> Expression:
        """An expression whose kind is one of ``kinds``."""
        found = self.expression(node, depth)
        if found.kind not in kinds:
            refuse(where, found.kind, " or ".join(kinds), "或".join(KINDS[k] for k in kinds))
        return found

    def call(self, op: str, args: list[Any], depth: int) -> Call:
        reader = _CALLS.get(op)
        if reader is None:
            raise NotListedError("function", op, ops.OPERATORS)
        return reader(self, op, args, depth)

    def all_of(
        self, op: str, args: list[Any], depth: int, many: int, kinds: tuple[Kind, ...], to: Kind
    ) -> Call:
        count(op, args, many)
        return Call(op, tuple(self.of(a, depth, op, kinds) for a in args), to)

    def logical(self, op: str, args: list[Any], depth: int) -> Call:
        if op == "not":
            return self.all_of(op, args, depth, 1, (Kind.BOOLEAN,), Kind.BOOLEAN)
        if len(args) < 2:
            count(op, args, 2)
        parts = tuple(self.of(a, depth, op, (Kind.BOOLEAN,)) for a in args)
        return Call(op, parts)

    def comparison(self, op: str, args: list[Any], depth: int) -> Call:
        count(op, args, 2)
        left, right = (self.of(a, depth, op, (*_ORDERED, Kind.BOOLEAN)) for a in args)
        alike(op, left, right)
        if left.kind == Kind.BOOLEAN and op not in ("=", "<>"):
            refuse(op, Kind.BOOLEAN, "= or <>", " = 或 <>")
        return Call(op, (left, right))

    def between(self, op: str, args: list[Any], depth: int) -> Call:
        return self.all_of(op, args, depth, 3, (Kind.NUMBER,), Kind.BOOLEAN)

    def like(self, op: str, args: list[Any], depth: int) -> Call:
        found = self.all_of(op, args, depth, 2, (Kind.TEXT,), Kind.BOOLEAN)
        pattern = found.args[1]
        while isinstance(pattern, Call) and pattern.op in ops.TEXT:
            (pattern,) = pattern.args
        if not isinstance(pattern, tree.Literal):
            refuse("like", "an expression", "a pattern in single quotes", "单引号中的模式",
                   "表达式")  # fmt: skip
        value = str(pattern.value)
        if (len(value) - len(value.rstrip("\\"))) % 2:
            refuse("like", value, "a pattern that does not end with '\\'", "不以“\\”结尾的模式")
        return found

    def among(self, op: str, args: list[Any], depth: int) -> Call:
        count(op, args, 2)
        if not isinstance(args[1], list) or not 1 <= len(args[1]) <= MOST_VALUES:
            refuse(op, args[1], f"a list of 1 to {MOST_VALUES}", f"1 至 {MOST_VALUES} 个值")
        self.nodes -= sum(not isinstance(a, dict) for a in args[1])  # literals have their own limit
        kinds = (*_ORDERED, Kind.BOOLEAN)
        value = self.of(args[0], depth, op, kinds)
        items = tuple(self.of(a, depth, op, kinds) for a in args[1])
        for item in items:
            alike(op, value, item)
        return Call(op, (value, *items))

    def is_null(self, op: str, args: list[Any], depth: int) -> Call:
        count(op, args, 1)
        found = self.expression(args[0], depth)
        if isinstance(found, tree.Interval | tree.Geometry | tree.Array):
            refuse(op, found.kind, "a property or an expression", "属性或表达式")
        return Call(op, (found,))

    def arithmetic(self, op: str, args: list[Any], depth: int) -> Call:
        return self.all_of(op, args, depth, 2, (Kind.NUMBER,), Kind.NUMBER)

    def folded(self, op: str, args: list[Any], depth: int) -> Call:
        return self.all_of(op, args, depth, 1, (Kind.TEXT,), Kind.TEXT)

    def spatial(self, op: str, args: list[Any], depth: int) -> Call:
        return self.all_of(op, args, depth, 2, (Kind.GEOMETRY,), Kind.BOOLEAN)

    def temporal(self, op: str, args: list[Any], depth: int) -> Call:
        kinds = (Kind.INTERVAL,) if op in ops.TEMPORAL_INTERVAL else (*TIMES, Kind.INTERVAL)
        return self.all_of(op, args, depth, 2, kinds, Kind.BOOLEAN)

    def arrays(self, op: str, args: list[Any], depth: int) -> Call:
        count(op, args, 2)
        left, right = (self.of(a, depth, op, _ARRAYS) for a in args)
        if left.kind != right.kind and not (_empty(left) or _empty(right)):
            refuse(op, f"{left.kind} and {right.kind}", "arrays of one kind", "同类数组",
                   f"{KINDS[left.kind]}与{KINDS[right.kind]}")  # fmt: skip
        return Call(op, (left, right))


_CALLS: Final[dict[str, Callable[[_Reader, str, list[Any], int], Call]]] = {
    **dict.fromkeys(ops.LOGICAL, _Reader.logical),
    **dict.fromkeys(ops.COMPARISON, _Reader.comparison),
    **dict.fromkeys(ops.ARITHMETIC, _Reader.arithmetic),
    **dict.fromkeys(ops.TEXT, _Reader.folded),
    **dict.fromkeys(ops.SPATIAL, _Reader.spatial),
    **dict.fromkeys(ops.TEMPORAL, _Reader.temporal),
    **dict.fromkeys(ops.ARRAY, _Reader.arrays),
    "between": _Reader.between,
    "like": _Reader.like,
    "in": _Reader.among,
    "isNull": _Reader.is_null,
}


def _empty(value: Expression) -> bool:
    return isinstance(value, tree.Array) and not value.items


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        refuse("number", value, "a finite number", "有限的数")
    return number


def _text(value: str) -> str:
    if "\x00" in value:
        refuse("text", "a NUL character", "text without it", "不含 NUL 字符的文本", "NUL 字符")
    try:
        value.encode()
    except UnicodeEncodeError:
        refuse("text", "half a character", "Unicode text", "完整的 Unicode 文本", "半个字符")
    return value
