"""Source attributes and BIM properties that a filter may name, as they were found in the data.

A feature's ``attrs`` are the delivered columns that have no canonical name; ``psets`` are property
sets by name (IFC 4.3, IfcPropertySet). Their members are queryables by path: ``attrs.埋设年代``,
``attrs.casing.width``, ``Pset_WallCommon.IsExternal``. A member is what its values are: numbers
(also those delivered as text, where every one of them is a plain decimal number), Booleans, or else
text. What holds only lists or deeper objects cannot be filtered by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.cql2.tree import Kind, Property

#: Columns of JSON objects, by table, with what is written before the names of their members.
JSON_COLUMNS: Final[dict[str, str]] = {"attrs": "attrs.", "psets": ""}

#: A number as people write it (a regular expression of Python and PostgreSQL): no code with noughts
#: before it, and no more digits than a double holds.
DECIMAL: Final = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$"

_TYPES: Final = {Kind.NUMBER: "number", Kind.BOOLEAN: "boolean", Kind.TEXT: "string"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """A member that was found: ``path`` (column, one or two names), and how many of its values are
    JSON numbers, texts that write a decimal number, other texts, Booleans, and anything else."""

    path: tuple[str, ...]
    numbers: int = 0
    decimals: int = 0
    texts: int = 0
    booleans: int = 0
    others: int = 0

    @property
    def name(self) -> str:
        """What a filter calls it."""
        return JSON_COLUMNS[self.path[0]] + ".".join(self.path[1:])

    @property
    def kind(self) -> Kind | None:
        """What a filter takes it for; None where it cannot be filtered by."""
        if not (self.numbers or self.decimals or self.texts or self.booleans):
            return None
        if not self.texts and not self.booleans:
            return Kind.NUMBER
        if self.booleans and not (self.numbers or self.decimals or self.texts):
            return Kind.BOOLEAN
        return Kind.TEXT

    @property
    def exact(self) -> bool:
        """Whether all of its values are of its kind's own JSON type."""
        if self.others or self.kind is None:
            return False
        return {
            Kind.NUMBER: not self.decimals,
            Kind.BOOLEAN: True,
            Kind.TEXT: not (self.numbers or self.booleans),
        }[self.kind]

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its values as they are answered."""
        known = {
            "number": self.numbers,
            "string": self.decimals + self.texts,
            "boolean": self.booleans,
        }
        types = [name for name, count in known.items() if count]
        if self.others or not types:
            return {}
        return {"type": types[0] if len(types) == 1 else types}

    @property
    def queryable(self) -> dict[str, Any]:
        """JSON Schema of what it is compared with."""
        assert self.kind is not None
        return {"type": _TYPES[self.kind], "title": self.name}


def properties(found: Mapping[str, Attribute]) -> dict[str, Property]:
    """What a filter may name of :func:`named` attributes."""
    return {
        name: Property(name, one.kind, one.path, one.exact)
        for name, one in found.items()
        if one.kind is not None
    }


def named(found: Iterable[Attribute], taken: Mapping[str, Any]) -> dict[str, Attribute]:
    """``found`` by name; the first of those that would be called the same, none of ``taken``."""
    out: dict[str, Attribute] = {}
    for one in found:
        if one.name not in taken:
            out.setdefault(one.name, one)
    return out


def object_schema(found: Iterable[Attribute], column: str) -> dict[str, Any]:
    """JSON Schema ``properties`` of the objects in a JSON column, as they are answered."""
    out: dict[str, Any] = {}
    for one in found:
        if one.path[0] != column:
            continue
        place = out
        for name in one.path[1:-1]:
            place = place.setdefault(name, {}).setdefault("properties", {})
        place.setdefault(one.path[-1], {}).update(one.schema)
    return out
