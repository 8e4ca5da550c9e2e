"""The typed tree of a filter: what a reader of CQL2 makes and every translator walks.

Names of operators are those of CQL2 JSON (OGC 21-065r2 clause 8.3). A tree holds only operators and
properties that were listed when it was read, and every node knows its :class:`Kind`, so a
translator meets nothing it has not been made for.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class Kind(enum.StrEnum):
    """What a node evaluates to."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"  # a day, without zone
    TIMESTAMP = "timestamp"  # a moment, in UTC
    UUID = "uuid"  # compared as its text
    GEOMETRY = "geometry"
    INTERVAL = "interval"
    TEXTS = "text[]"
    NUMBERS = "number[]"


@dataclass(frozen=True, slots=True)
class Property:
    """A queryable of the collection.

    ``path`` leads to it through a column of JSON objects: the column, then one or two names.
    ``exact`` tells that all of its values are of its kind's own JSON type.
    """

    name: str
    kind: Kind
    path: tuple[str, ...] = ()
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: ``str``, ``float``, ``bool``, :class:`datetime.date`, or an aware
    :class:`datetime.datetime`."""

    value: str | float | bool | dt.date | dt.datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Interval:
    """A period that holds both of its ends; ``None`` is an open end (``..``)."""

    start: Expression | None
    end: Expression | None
    kind: Kind = Kind.INTERVAL


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A shapely geometry, in the storage CRS when the reader was given a transformation."""

    shape: Any
    kind: Kind = Kind.GEOMETRY


@dataclass(frozen=True, slots=True)
class Array:
    """A set of values of one kind; order and repetition mean nothing."""

    items: tuple[Literal, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function with its operands; ``op`` is one of :mod:`models.cql2.operators`.

    The second operand of ``in`` is in ``args[1:]``, one each.
    """

    op: str
    args: tuple[Expression, ...]
    kind: Kind = field(default=Kind.BOOLEAN)


Expression: TypeAlias = Property | Literal | Interval | Geometry | Array | Call
