"""Errors of analyses: a question that cannot be answered as it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from models.errors import TwinError
from twin.validation import told, where


class BadRequestError(TwinError):
    """The request names something that is not there, or a value that is not allowed."""

    code = "ANA-01"

    def __init__(self, en: str, zh: str, errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(en, zh)
        self.errors = tuple(errors)


class UnknownAnalysisError(TwinError):
    """No analysis of that name is registered."""

    code = "ANA-02"


def from_validation(name: str, error: ValidationError, example: str) -> BadRequestError:
    """All that is wrong with a request for analysis ``name``, in one sentence of each language, and
    an ``example`` of one that can be used."""
    faults = error.errors(include_url=False)
    rows = [_fault(dict(fault)) for fault in faults[:20]]
    en = "; ".join(f"{row['where']}: {row['en']}" for row in rows)
    zh = "；".join(f"{row['where']}：{row['zh']}" for row in rows)
    return BadRequestError(
        f"The request for '{name}' cannot be used: {en}. Give, for example: {example}",
        f"“{name}”的请求不可用：{zh}。请按此例填写：{example}",
        rows,
    )


def _fault(fault: dict[str, Any]) -> dict[str, str]:
    en, zh = told(fault)
    return {"where": where(fault) or "request", "en": en, "zh": zh}
