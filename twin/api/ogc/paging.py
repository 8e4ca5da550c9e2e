"""The token of the next page: where the last one ended, and the moments that it was true at.

It is opaque to clients. A digest over it and over the question it belongs to refuses a token that
was changed, or that is used with another filter or order. It holds no secret: what it names was
answered to the client before, and every value is bound as data, once it is known to be one that a
key of the order can have.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from models.db.features_query import Order
from twin.api.ogc.errors import NoPageError, ParameterError
from twin.api.ogc.patterns import PAGE

_DIGEST: Final = 9
_TOKEN: Final = re.compile(PAGE)
#: Whole numbers that the database holds lie between this and its negative.
_WHOLE: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Place:
    """Sort keys and row of the last feature; the moments of both times (None: nothing there)."""

    after: tuple[Any, ...]
    moment: dt.datetime | None
    recorded: dt.datetime | None


def write_token(place: Place, question: str) -> str:
    """The token for ``place`` in the pages of ``question`` (any text that names it wholly)."""
    parts = [list(place.after), _iso(place.moment), _iso(place.recorded)]
    data = orjson.dumps(parts, default=str)
    return base64.urlsafe_b64encode(_digest(data, question) + data).rstrip(b"=").decode()


def require_token(text: str) -> None:
    """Raises :class:`ParameterError` for what is not written like a token."""
    if _TOKEN.fullmatch(text) is None:
        raise ParameterError(
            "next: found no page token. Begin with the first page and follow its links.",
            "next：不是翻页标记。请从第一页开始，按返回的链接翻页。",
        )


def read_token(token: str, question: str, order: Sequence[Order]) -> Place:
    """The place that ``token`` names. Raises :class:`ParameterError` for what is not written like
    a token and :class:`NoPageError` for one that leads nowhere."""
    require_token(token)
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        data = raw[_DIGEST:]
        if raw[:_DIGEST] != _digest(data, question):
            raise _unusable()
        keys, moment, recorded = orjson.loads(data)
        *values, row = keys
        typed = [_typed(o.declared, v) for o, v in zip(order, values, strict=True)]
        if type(row) is not int:
            raise _unusable()
        return Place((*typed, _whole(row)), _moment(moment), _moment(recorded))
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise _unusable() from error


def _digest(data: bytes, question: str) -> bytes:
    text = question.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data + b"\0" + text, digest_size=_DIGEST).digest()


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else _aware(text)


def _aware(text: str) -> dt.datetime:
    """Raises ValueError or OverflowError for what is no moment of coordinated universal time."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(dt.UTC)


def _whole(number: int) -> int:
    if not -_WHOLE <= number < _WHOLE:
        raise OverflowError(number)
    return number


def _typed(declared: str, text: Any) -> Any:
    """A sort key as it is bound, from its text in the database. Raises ValueError, TypeError or
    OverflowError for what cannot be one."""
    if text is None:
        return None
    if not isinstance(text, str) or "\0" in text:
        raise TypeError(text)
    match declared:
        case "integer" | "smallint":
            return _whole(int(text))
        case "double precision":
            return float(text)
        case "date":
            return dt.date.fromisoformat(text)
        case "timestamptz":
            return _aware(text)
        case "uuid":
            return uuid.UUID(text)
    return text


def _unusable() -> NoPageError:
    return NoPageError(
        "next: this token is not one of ours for this question. Begin with the first page and "
        "follow its links.",
        "next：该翻页标记不属于本次查询。请从第一页开始，按返回的链接翻页。",
    )
