"""What every analysis gives: a result and what a reader must know to rely on it."""

from __future__ import annotations

from collections.abc import Callable
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
    record. ``draw`` makes an SVG right in scale, ``write`` a printable HTML document, where the
    analysis has them; :attr:`drawing` and :attr:`page` are these, made when first asked for.
    """

    result: dict[str, Any]
    datum: dict[str, Any]
    accuracy: dict[str, Any]
    revisions: list[dict[str, Any]]
    notes: tuple[Note, ...] = ()
    draw: Callable[[], str] | None = field(default=None, repr=False)
    write: Callable[[], str] | None = field(default=None, repr=False)
    _made: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def drawing(self) -> str | None:
        """The SVG; ``None`` where the analysis has none."""
        return self._once("drawing", self.draw)

    @property
    def page(self) -> str | None:
        """The HTML document; ``None`` where the analysis has none."""
        return self._once("page", self.write)

    def rendered(self, medium: str) -> str | None:
        """The drawing (``image/svg+xml``) or page (``text/html``); ``None`` of other media."""
        if medium == "image/svg+xml":
            return self.drawing
        return self.page if medium == "text/html" else None

    def _once(self, name: str, make: Callable[[], str] | None) -> str | None:
        if make is not None and name not in self._made:
            self._made[name] = make()
        return self._made.get(name)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without drawing and page."""
        return {
            "result": self.result,
            "datum": self.datum,
            "accuracy": self.accuracy,
            "revisions": self.revisions,
            "notes": [{"code": n.code, "zh": n.zh, "en": n.en} for n in self.notes],
        }
