"""Findings: what a reader or a rule has to say about a file, a row or an element."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field
from typing import Any


class Severity(enum.StrEnum):
    """How much a finding weighs: an error refuses what it names, a warning and an info do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a delivery: ``row`` counts from 1 as a spreadsheet shows it; ``column`` is the
    source's own header; ``element`` an IFC GlobalId, a point number or a feature id."""

    file: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    element: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding with stable code, both languages, and the evidence behind it.

    ``found`` and ``expected`` are short values for a table; ``zh``/``en`` are whole sentences that
    say what, where, expected and what to do. ``rule``, ``clause`` and ``verified`` come from the
    rule pack; a rule whose number is not verified never has severity error. ``position`` is
    (x, y, z) in the storage CRS where one is known; z is ``None`` where the height is not.
    """

    code: str
    severity: Severity
    place: Place
    zh: str
    en: str
    found: str | None = None
    expected: str | None = None
    rule: str | None = None
    clause: str | None = None
    verified: bool | None = None
    position: tuple[float, float, float | None] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
