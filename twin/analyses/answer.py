"""What every analysis gives: a result and what a reader must know to rely on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that limits or explains a result, with a stable code."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    ``result`` holds plain JSON values: lengths in metres, sizes in millimetres where the name ends
    so, positions (east, north[, height]) in ``datum``'s CRSs, None where something is unknown.
    ``datum`` has ``horizontal``, ``vertical`` and what each dataset declared; ``accuracy`` the mean
    errors (1 sigma, metres) of the features used; ``revisions`` dataset, number and moment of
    record. ``drawing`` is an SVG right in scale, ``page`` a printable HTML document.
    """

    result: dict[str, Any]
    datum: dict[str, Any]
    accuracy: dict[str, Any]
    revisions: list[dict[str, Any]]
    notes: tuple[Note, ...] = ()
    drawing: str | None = field(default=None, repr=False)
    page: str | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without drawing and page."""
        return {
            "result": self.result,
            "datum": self.datum,
            "accuracy": self.accuracy,
            "revisions": self.revisions,
            "notes": [{"code": n.code, "zh": n.zh, "en": n.en} for n in self.notes],
        }
