"""Errors of reading: a source that cannot be used at all."""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import TwinError
from models.findings import Finding, Place, Severity


class RefusedError(TwinError):
    """The whole source is refused; ``findings`` say why. Nothing of it may be stored."""

    code = "STR-00"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings[0].en, findings[0].zh)
        self.findings = tuple(findings)


def refuse(
    code: str,
    file: str,
    *,
    en: str,
    zh: str,
    found: str | None = None,
    expected: str | None = None,
    sheet: str | None = None,
    row: int | None = None,
    column: str | None = None,
    element: str | None = None,
) -> RefusedError:
    """A :class:`RefusedError` with a single error finding; raise what this returns."""
    place = Place(file, sheet, row, column, element)
    return RefusedError([Finding(code, Severity.ERROR, place, zh, en, found, expected)])
