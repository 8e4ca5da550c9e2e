"""Filters in CQL2, text and JSON (OGC 21-065r2): read, checked, bounded, and never executed here.

:func:`parse` gives a typed tree of listed operators and properties only; ``models.db.features_cql``
turns it into SQL with bound values: ``sql_of(filter, columns, args)``.
"""

from models.cql2.errors import FilterError, NotListedError
from models.cql2.read import Language, parse
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

__all__ = [
    "Array",
    "Call",
    "Expression",
    "FilterError",
    "Geometry",
    "Interval",
    "Kind",
    "Language",
    "Literal",
    "NotListedError",
    "Property",
    "parse",
]
