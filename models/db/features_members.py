"""Members of JSON columns in filters and orders, as SQL, and what their indexes are asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from models.attributes import DECIMAL
from models.cql2.tree import Call, Expression, Kind, Literal, Property

#: From here on not every whole number is a float8, and JSON numbers are compared as they stand.
_EXACT: Final = 2**53


def member(column: str, node: Property) -> str:
    """The member of the JSON ``column`` that ``node`` names, as SQL of its kind; null where there
    is none or where its value is of another kind.

    Names in its path come from the data: they are quoted as texts.
    """
    quoted = ["'" + part.replace("'", "''") + "'" for part in node.path[1:]]
    inner = "".join(f" -> {name}" for name in quoted[:-1])
    text, value = f"({column}{inner} ->> {quoted[-1]})", f"({column}{inner} -> {quoted[-1]})"
    type_ = f"jsonb_typeof({value})"
    match node.kind, node.exact:
        case Kind.NUMBER, True:
            return f"(CASE WHEN {type_} = 'number' THEN {text}::float8 END)"
        case Kind.NUMBER, False:
            return (
                f"(CASE WHEN {type_} = 'number' OR {type_} = 'string' AND {text} ~ '{DECIMAL}' "
                f"THEN {text}::float8 END)"
            )
        case Kind.BOOLEAN, _:
            return f"(CASE WHEN {type_} = 'boolean' THEN {text}::boolean END)"
        case Kind.TEXT, True:
            return text
    return f"(CASE WHEN {type_} IN ('string', 'number', 'boolean') THEN {text} END)"


def contained(filter_: Expression) -> Iterator[tuple[str, list[str]]]:
    """What a GIN index can be asked besides the filter: columns, and the JSON objects of which each
    must contain one.

    There is one for every condition that must hold by itself and that says which values a member
    has. Where the filter holds they hold too, so they select no less; they are no part of its
    logic, since containment knows no null.
    """
    for part in conjuncts(filter_):
        found = _values(part)
        if found is not None:
            node, documents = found
            for name in reversed(node.path[1:]):
                documents = [{name: one} for one in documents]
            yield node.path[0], [orjson.dumps(one).decode() for one in documents]


def conjuncts(node: Expression) -> Iterator[Expression]:
    """The conditions that must all hold for ``node`` to hold."""
    if isinstance(node, Call) and node.op == "and":
        for part in node.args:
            yield from conjuncts(part)
    else:
        yield node


def _values(node: Expression) -> tuple[Property, list[Any]] | None:
    """The member that a condition is about, and the values of which it must have one; None where
    the index cannot tell."""
    values: list[Any]
    if isinstance(node, Property) and node.kind == Kind.BOOLEAN:
        name, values = node, [True]
    elif isinstance(node, Call) and node.op in ("=", "in"):
        first = node.args[0] if node.op == "in" else None
        names = [one for one in node.args if isinstance(one, Property) and first in (None, one)]
        values = [one.value for one in node.args if isinstance(one, Literal)]
        if len(names) != 1 or len(values) != len(node.args) - 1:
            return None
        (name,) = names
    else:
        return None
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
    known = bool(name.path) and name.exact
    return (name, values) if known and all(map(_alike, values)) else None


def _alike(value: Any) -> bool:
    """Whether the JSON text of a value equals that of all doubles that equal it."""
    return not isinstance(value, int) or abs(value) < _EXACT
