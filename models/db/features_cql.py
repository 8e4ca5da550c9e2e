"""A filter's typed tree as SQL for PostGIS, every value bound.

The only text that goes into a statement is written here or given in ``columns`` by the caller;
names, numbers and texts of a client travel as arguments. Semantics are those of OGC 21-065r2:
three-valued logic as in SQL, texts ordered by code point, a day compared with a moment as its
midnight in UTC, spatial functions in plan.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import shapely

from models.cql2.tree import (
    Array,
    Call,
    Expression,
    Geometry,
    Interval,
    Kind,
    Literal,
    Property,
)
from models.db.features_members import contained, member

_SPATIAL: Final = {
    "s_intersects": "ST_Intersects",
    "s_equals": "ST_Equals",
    "s_disjoint": "ST_Disjoint",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
    "s_contains": "ST_Contains",
}
_ARRAY: Final = {"a_contains": "@>", "a_containedBy": "<@", "a_overlaps": "&&"}
_TYPES: Final = {
    Kind.TEXT: "text",
    Kind.UUID: "text",
    Kind.NUMBER: "float8",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamptz",
}
#: Relations of two periods, whose ends are a0, a1 and b0, b1 (OGC 21-065r2 table 8).
_TEMPORAL: Final = {
    "t_after": "{a0} > {b1}",
    "t_before": "{a1} < {b0}",
    "t_contains": "{a0} < {b0} AND {a1} > {b1}",
    "t_disjoint": "({a1} < {b0} OR {a0} > {b1})",
    "t_during": "{a0} > {b0} AND {a1} < {b1}",
    "t_equals": "{a0} = {b0} AND {a1} = {b1}",
    "t_finishedBy": "{a0} < {b0} AND {a1} = {b1}",
    "t_finishes": "{a0} > {b0} AND {a1} = {b1}",
    "t_intersects": "NOT ({a1} < {b0} OR {a0} > {b1})",
    "t_meets": "{a1} = {b0}",
    "t_metBy": "{a0} = {b1}",
    "t_overlappedBy": "{a0} > {b0} AND {a0} < {b1} AND {a1} > {b1}",
    "t_overlaps": "{a0} < {b0} AND {a1} > {b0} AND {a1} < {b1}",
    "t_startedBy": "{a0} = {b0} AND {a1} > {b1}",
    "t_starts": "{a0} = {b0} AND {a1} < {b1}",
}


#: Null where there is no such number, as for a division by zero. OFFSET 0 keeps the planner from
#: writing an operand out wherever it is looked at, which nested ones would multiply.
_POWER: Final = (
    "(SELECT CASE WHEN (x >= 0 OR y = trunc(y)) AND (x <> 0 OR y >= 0) THEN power(x, y) END "
    "FROM (SELECT {} AS x, {} AS y OFFSET 0) AS o)"
)


@dataclass(slots=True)
class Arguments:
    """Bound values of a statement in the order of ``$1``, ``$2``, …"""

    values: list[Any] = field(default_factory=list)

    def add(self, value: Any, type_: str) -> str:
        """Bind ``value``; its place in the statement, with its type."""
        self.values.append(value)
        return f"${len(self.values)}::{type_}"


def sql_of(
    filter_: Expression,
    columns: Mapping[str, str],
    args: Arguments,
    *,
    srid: int,
    plan: str,
    ends: Mapping[str, str] | None = None,
) -> str:
    """The condition of ``filter_`` as SQL; its values are added to ``args``.

    ``columns`` gives the SQL of each property (trusted text, qualified), or of the column that its
    path begins with. ``geometry`` in it is the column that has the spatial index; ``plan`` is the
    SQL of what spatial functions may be asked about (the same, or its outline where GEOS cannot
    take the column's type). Geometries of the tree are in EPSG:``srid``. ``ends`` gives the SQL of
    those properties of time that are null in ``columns`` where they are open: an end of a period is
    infinite there, as ``..`` is.
    """
    where = _Writer(columns, args, srid, plan, ends or {}).write(filter_)
    asked = [
        f"{columns[column]} @> ANY({args.add(documents, 'text[]')}::jsonb[])"
        for column, documents in contained(filter_)
    ]
    return " AND ".join([f"({where})", *asked]) if asked else where


class _Writer:
    def __init__(
        self,
        columns: Mapping[str, str],
        args: Arguments,
        srid: int,
        plan: str,
        ends: Mapping[str, str],
    ) -> None:
        self.columns, self.args, self.srid, self.plan, self.ends = columns, args, srid, plan, ends

    def write(self, node: Expression) -> str:
        match node:
            case Property():
                column = self.column(node)
                return column if node.kind != Kind.UUID else f"{column}::text"
            case Literal(value, kind):
                return self.args.add(value, _TYPES[kind])
            case Geometry(shape):
                wkb = self.args.add(shapely.to_wkb(shape), "bytea")
                return f"ST_GeomFromWKB({wkb}, {self.srid})"
            case Array(items, kind):
                return self.args.add([i.value for i in items], f"{_array(kind)}")
            case Call(op, operands):
                return _CALLS[op](self, op, operands)
        raise TypeError(f"{type(node).__name__} has no value of its own")

    def operand(self, node: Expression) -> str:
        """``node`` beside an operator; a condition binds more loosely than any that compares."""
        text = self.write(node)
        return f"({text})" if isinstance(node, Call) and node.kind == Kind.BOOLEAN else text

    def column(self, node: Property) -> str:
        if not node.path:
            return self.columns[node.name]
        return member(self.columns[node.path[0]], node)

    def logical(self, op: str, operands: tuple[Expression, ...]) -> str:
        parts = [f"({self.write(o)})" for o in operands]
        return f"NOT {parts[0]}" if op == "not" else f" {op.upper()} ".join(parts)

    def comparison(self, op: str, operands: tuple[Expression, ...]) -> str:
        left, right = operands
        found = self.identity(op, left, right) or self.identity(op, right, left)
        if found:
            return found
        if {left.kind, right.kind} == {Kind.DATE, Kind.TIMESTAMP}:
            return f"{self.moment(left)} {op} {self.moment(right)}"
        a, b = self.operand(left), self.operand(right)
        # texts in the order of code points, whatever the database's own collation
        ordered = left.kind in (Kind.TEXT, Kind.UUID) and op not in ("=", "<>")
        return f'{a} {op} {b} COLLATE "C"' if ordered else f"{a} {op} {b}"

    def identity(self, op: str, column: Expression, value: Expression) -> str | None:
        """A UUID column compared with a literal by its own type, so that its index serves."""
        if op != "=" or not (isinstance(column, Property) and column.kind == Kind.UUID):
            return None
        if not isinstance(value, Literal):
            return None
        identity = _uuid(str(value.value))
        name = self.columns[column.name]
        if identity is None:
            return _never(name)
        return f"{name} = {self.args.add(identity, 'uuid')}"

    def between(self, op: str, operands: tuple[Expression, ...]) -> str:
        value, low, high = (self.write(o) for o in operands)
        return f"{value} BETWEEN {low} AND {high}"

    def like(self, op: str, operands: tuple[Expression, ...]) -> str:
        return f"{self.write(operands[0])} LIKE {self.write(operands[1])}"

    def among(self, op: str, operands: tuple[Expression, ...]) -> str:
        value, *items = operands
        kinds = {item.kind for item in items}
        plain = all(isinstance(item, Literal) for item in items) and kinds <= {
            value.kind,
            Kind.TEXT,
        }
        if isinstance(value, Property) and value.kind == Kind.UUID and plain:
            wanted = [i for i in (_uuid(str(_value(item))) for item in items) if i is not None]
            name = self.columns[value.name]
            return f"{name} = ANY({self.args.add(wanted, 'uuid[]')})" if wanted else _never(name)
        if plain and kinds == {value.kind}:
            array = self.args.add([_value(item) for item in items], f"{_TYPES[value.kind]}[]")
            return f"{self.operand(value)} = ANY({array})"
        # each is written once: the statement stays as long as the filter, however it is nested
        mixed = {value.kind, *kinds} == {Kind.DATE, Kind.TIMESTAMP}
        first, *others = map(self.moment if mixed else self.operand, (value, *items))
        return f"{first} IN ({', '.join(others)})"

    def is_null(self, op: str, operands: tuple[Expression, ...]) -> str:
        (value,) = operands
        if isinstance(value, Property):
            return f"{self.column(value)} IS NULL"
        return f"({self.write(value)}) IS NULL"

    def arithmetic(self, op: str, operands: tuple[Expression, ...]) -> str:
        a, b = (f"({self.write(o)})::float8" for o in operands)
        match op:
            case "/":
                return f"({a} / nullif({b}, 0))"
            case "div":
                return f"trunc({a} / nullif({b}, 0))"
            case "%":
                return f"mod({a}::numeric, nullif({b}, 0)::numeric)::float8"
            case "^":
                return _POWER.format(a, b)
        return f"({a} {op} {b})"

    def folded(self, op: str, operands: tuple[Expression, ...]) -> str:
        text = self.write(operands[0])
        if op == "casei":
            # twice, so that "ß" and "SS" meet; the outer collation gives way to no other
            return f'(lower(upper(({text}) COLLATE "und-x-icu")) COLLATE "C")'
        marks = "'[\\u0300-\\u036f]'"
        return (
            f"normalize(regexp_replace(normalize(({text}), NFD), {marks}, '', 'g') "
            'COLLATE "C", NFC)'
        )

    def spatial(self, op: str, operands: tuple[Expression, ...]) -> str:
        names = [isinstance(o, Property) for o in operands]
        a, b = (self.plan if isinstance(o, Property) else self.write(o) for o in operands)
        found = f"{_SPATIAL[op]}({a}, {b})"
        if op == "s_disjoint" or self.plan == self.columns["geometry"] or sum(names) != 1:
            return found
        # the outline is no column: the index is asked by the column itself
        other = b if names[0] else a
        return f"({self.columns['geometry']} && {other} AND {found})"

    def temporal(self, op: str, operands: tuple[Expression, ...]) -> str:
        relation = _TEMPORAL[op]
        # only the ends that the relation looks at: a bound value that no one uses has no type
        ends = {
            name: self.end(node, last=name[1] == "1")
            for node, names in zip(operands, (("a0", "a1"), ("b0", "b1")), strict=True)
            for name in names
            if f"{{{name}}}" in relation
        }
        return f"({relation.format(**ends)})"

    def end(self, node: Expression, *, last: bool) -> str:
        """First or last moment of a period; they are the same for an instant."""
        if not isinstance(node, Interval):
            return self.moment(node)
        found = node.end if last else node.start
        if found is None:
            return f"'{'' if last else '-'}infinity'::timestamptz"
        if isinstance(found, Property) and found.name in self.ends:
            return self.ends[found.name]
        return self.moment(found)

    def moment(self, node: Expression) -> str:
        """A day as its first moment."""
        if isinstance(node, Literal):
            return self.args.add(_midnight(node.value), "timestamptz")
        text = self.write(node)
        return f"({text})::timestamp AT TIME ZONE 'UTC'" if node.kind == Kind.DATE else text

    def arrays(self, op: str, operands: tuple[Expression, ...]) -> str:
        a, b = (self.write(o) for o in operands)
        kinds = [o.kind for o in operands if not (isinstance(o, Array) and not o.items)]
        if len(kinds) == 1:  # an empty array is of the other's kind
            a, b = (self.empty(o, kinds[0], t) for o, t in zip(operands, (a, b), strict=True))
        if op == "a_equals":
            return f"({a} @> {b} AND {a} <@ {b})"
        return f"{a} {_ARRAY[op]} {b}"

    def empty(self, node: Expression, kind: Kind, text: str) -> str:
        if isinstance(node, Array) and not node.items:
            return f"{text}::text::{_array(kind)}"
        return text


_CALLS: Final[dict[str, Callable[[_Writer, str, tuple[Expression, ...]], str]]] = {
    **dict.fromkeys(("and", "or", "not"), _Writer.logical),
    **dict.fromkeys(("=", "<>", "<", ">", "<=", ">="), _Writer.comparison),
    **dict.fromkeys(("+", "-", "*", "/", "%", "div", "^"), _Writer.arithmetic),
    **dict.fromkeys(("casei", "accenti"), _Writer.folded),
    **dict.fromkeys(_SPATIAL, _Writer.spatial),
    **dict.fromkeys(_TEMPORAL, _Writer.temporal),
    **dict.fromkeys(("a_equals", *_ARRAY), _Writer.arrays),
    "between": _Writer.between,
    "like": _Writer.like,
    "in": _Writer.among,
    "isNull": _Writer.is_null,
}


def _array(kind: Kind) -> str:
    return {Kind.TEXTS: "text[]", Kind.NUMBERS: "float8[]"}[kind]


def _uuid(text: str) -> uuid.UUID | None:
    """The id that ``text`` writes as the database does; others are no id's text."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def _never(column: str) -> str:
    """That a UUID is written as none is: false, or unknown for null."""
    return f"({column} IS NULL AND NULL)"


def _value(node: Expression) -> Any:
    return node.value if isinstance(node, Literal) else None


def _midnight(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime.combine(value, dt.time(), dt.UTC)
