"""The operators and functions that a filter may use; nothing else reaches a translator.

Classes of OGC 21-065r2: basic, advanced comparison, case- and accent-insensitive, spatial,
temporal and array functions, arithmetic, property-property.
"""

from __future__ import annotations

from typing import Final

LOGICAL: Final = ("and", "or", "not")
COMPARISON: Final = ("=", "<>", "<", ">", "<=", ">=")
ARITHMETIC: Final = ("+", "-", "*", "/", "%", "div", "^")
TEXT: Final = ("casei", "accenti")
SPATIAL: Final = (
    "s_intersects",
    "s_equals",
    "s_disjoint",
    "s_touches",
    "s_within",
    "s_overlaps",
    "s_crosses",
    "s_contains",
)
#: Functions that also take a moment for a period that begins and ends with it.
TEMPORAL_ANY: Final = ("t_after", "t_before", "t_disjoint", "t_equals", "t_intersects")
#: Functions of two periods (Allen's relations).
TEMPORAL_INTERVAL: Final = (
    "t_contains",
    "t_during",
    "t_finishedBy",
    "t_finishes",
    "t_meets",
    "t_metBy",
    "t_overlappedBy",
    "t_overlaps",
    "t_startedBy",
    "t_starts",
)
TEMPORAL: Final = TEMPORAL_ANY + TEMPORAL_INTERVAL
ARRAY: Final = ("a_equals", "a_contains", "a_containedBy", "a_overlaps")
PREDICATES: Final = ("like", "between", "in", "isNull")

#: Names as CQL2 text has them, in small letters -> as CQL2 JSON spells them.
FUNCTIONS: Final[dict[str, str]] = {
    name.lower(): name for name in (*TEXT, *SPATIAL, *TEMPORAL, *ARRAY)
}
OPERATORS: Final = (*LOGICAL, *COMPARISON, *PREDICATES, *ARITHMETIC, *FUNCTIONS.values())
