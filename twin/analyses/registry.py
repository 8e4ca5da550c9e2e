"""Every analysis by name, with its request model and function."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from twin.analyses.answer import Answer
from twin.analyses.errors import UnknownAnalysisError, from_validation
from twin.analyses.requests import Request
from twin.analyses.schemas import envelope

if TYPE_CHECKING:
    from twin.analyses.cache import PipeworkCache


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis: titles, request model, function, a request as an example, and which media its
    answer has beside JSON. ``over`` tells what the function is given: a twin's ``pipes``
    (:mod:`twin.analyses.pipework`) or its ``city`` (:mod:`twin.analyses.city`)."""

    name: str
    zh: str
    en: str
    request: type[Request]
    run: Callable[[Any, Any], Answer]
    example: Mapping[str, Any]
    media: tuple[str, ...] = ()
    over: Literal["pipes", "city"] = "pipes"

    def parse(self, document: Any, example: str | None = None) -> Request:
        """The request in ``document`` (plain JSON values); text that reads as a number is one where
        it is wanted.

        Raises :class:`twin.analyses.errors.BadRequestError` that names all that is wrong and shows
        ``example``, by default this analysis's own as JSON.
        """
        return self._parsed(partial(self.request.model_validate, document), example)

    def parse_json(self, body: bytes) -> Request:
        """The request in a JSON text, whose values are of the types that its schema names.

        Raises :class:`twin.analyses.errors.BadRequestError`, as :meth:`parse` does.
        """
        return self._parsed(partial(self.request.model_validate_json, body, strict=True))

    def _parsed(self, read: Callable[[], Request], example: str | None = None) -> Request:
        try:
            return read()
        except ValidationError as error:
            shown = example or json.dumps(dict(self.example))
            raise from_validation(self.name, error, shown) from None

    def answer(self, cache: PipeworkCache, twin: str, request: Request) -> Answer:
        """The answer to ``request`` for ``twin``.

        Raises :class:`twin.analyses.errors.BadRequestError`, :class:`models.errors.DatabaseError`.
        """
        if self.over == "city":
            with cache.cities.open(twin, *request.moments()) as city:
                return self.run(city, request)
        return self.run(cache.get(twin, *request.moments()), request)

    def describe(self) -> dict[str, Any]:
        """Name, titles, what it does, and the JSON Schemas of its request and answer."""
        text = " ".join((self.run.__doc__ or "").split("\n\n")[0].split())
        return {
            "name": self.name,
            "title": {"zh": self.zh, "en": self.en},
            "description": text,
            "media": ["application/json", *self.media],
            "request": self.request.model_json_schema(),
            "answer": answer_schema(self.name),
            "example": dict(self.example),
        }


@cache
def analyses() -> Mapping[str, Analysis]:
    """Every analysis by name."""
    from twin.analyses.catalogue import ALL

    return MappingProxyType({one.name: one for one in ALL})


def find(name: str) -> Analysis:
    """The analysis ``name``. Raises :class:`UnknownAnalysisError`, which lists those there are."""
    found = analyses().get(name)
    if found is None:
        known = ", ".join(analyses())
        raise UnknownAnalysisError(
            f"There is no analysis '{name}'. Choose one of: {known}.",
            f"没有名为“{name}”的分析。可选：{known}。",
        )
    return found


def answer_schema(name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of what the analysis ``name`` answers as JSON."""
    from twin.analyses.catalogue import RESULTS

    return envelope(RESULTS[name])
