"""Which records a client asks for, and in which order (OGC 20-004r1 clause 7).

What is wrong is told with what is allowed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import shapely

from models.cql2 import NotListedError
from models.cql2.geometry import box_parts
from models.cql2.tree import Expression, Kind
from models.crs import StorageCrs
from twin.api.ogc.crs import CRS84, check_order, find_crs
from twin.api.ogc.errors import NoPageError
from twin.api.ogc.paging import require_token
from twin.api.ogc.parameters import LARGEST_LIMIT, read_filter, wrong
from twin.api.ogc.times import Period, read_period

DEFAULT_LIMIT: Final = 10
MOST_LIMIT: Final = 1_000
PARAMETERS: Final = (
    "f", "limit", "bbox", "bbox-crs", "crs", "datetime", "q", "type", "ids", "externalIds",
    "sortby", "filter", "filter-lang", "filter-crs", "next",
)  # fmt: skip
#: What a filter may name, and how; all but texts of several values and the geometry sort.
QUERYABLES: Final = {
    "id": Kind.TEXT,
    "type": Kind.TEXT,
    "title": Kind.TEXT,
    "description": Kind.TEXT,
    "keywords": Kind.TEXTS,
    "name": Kind.TEXT,
    "theme": Kind.TEXT,
    "organisation": Kind.TEXT,
    "license": Kind.TEXT,
    "visibility": Kind.TEXT,
    "features": Kind.NUMBER,
    "accuracy": Kind.NUMBER,
    "created": Kind.TIMESTAMP,
    "updated": Kind.TIMESTAMP,
    "valid_from": Kind.TIMESTAMP,
    "horizontal": Kind.TEXT,
    "vertical": Kind.TEXT,
    "geometry": Kind.GEOMETRY,
}
SORTABLES: Final = tuple(n for n, k in QUERYABLES.items() if k not in (Kind.TEXTS, Kind.GEOMETRY))
SEARCHED: Final = ("title", "description", "name", "organisation")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks; ``box`` in degrees, ``filter`` in the storage CRS."""

    limit: int
    box: Any
    period: Period | None
    phrases: tuple[re.Pattern[str], ...]
    types: frozenset[str] | None
    ids: frozenset[str] | None
    external: tuple[str, ...] | None
    order: tuple[tuple[str, bool], ...]
    filter: Expression | None
    after: str | None
    question: str


def read_wanted(given: Mapping[str, str], storage: StorageCrs) -> Wanted:
    """The request. Raises :class:`ParameterError`, :class:`twin.api.ogc.crs.CrsError` and
    :class:`models.cql2.FilterError`."""
    for name in ("crs", "bbox-crs"):
        if given.get(name, CRS84) != CRS84:
            raise wrong(name, given[name], CRS84, CRS84)
    question = "\n".join(f"{n}={given[n]}" for n in PARAMETERS[2:-1] if n in given)
    digest = hashlib.blake2b(question.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return Wanted(
        limit=_limit(given.get("limit")),
        box=_box(given.get("bbox"), storage),
        period=read_period("datetime", given["datetime"]) if "datetime" in given else None,
        phrases=_phrases(given.get("q")),
        types=_listed(given.get("type")),
        ids=_listed(given.get("ids")),
        external=None if (e := _listed(given.get("externalIds"))) is None else tuple(e),
        order=_order(given.get("sortby")),
        filter=read_filter(given, QUERYABLES, storage),
        after=_after(given.get("next"), digest),
        question=digest,
    )


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    # more than are answered is not an error (OGC 17-069r4, /req/core/fc-limit-response-1)
    if re.fullmatch(r"0*[1-9]\d{0,9}", text, re.ASCII) is None or int(text) > LARGEST_LIMIT:
        raise wrong("limit", text, f"a whole number from 1; at most {MOST_LIMIT} are answered",
                     f"不小于 1 的整数，至多返回 {MOST_LIMIT} 个")  # fmt: skip
    return min(int(text), MOST_LIMIT)


def _box(text: str | None, storage: StorageCrs) -> Any:
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise wrong("bbox", text, "4 or 6 numbers: west,south,east,north in degrees",
                     "4 或 6 个数：西,南,东,北（度）")  # fmt: skip
    # records have no height in their geometry
    west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    crs = find_crs("bbox-crs", CRS84, storage)
    check_order((west, east), (south, north), crs, storage, "bbox")
    return shapely.union_all(box_parts((west, south, east, north)))


def _phrases(text: str | None) -> tuple[re.Pattern[str], ...]:
    """Terms between commas; the words of a term follow each other."""
    if text is None:
        return ()
    terms = [folded(part).split() for part in text.split(",")]
    if len(text) > 200 or not any(terms):
        raise wrong("q", text, "1 to 200 characters, terms between commas",
                     "1 至 200 个字符，以逗号分隔")  # fmt: skip
    return tuple(re.compile(r"\s+".join(map(re.escape, words))) for words in terms if words)


def folded(text: str) -> str:
    """``text`` without regard to case and width."""
    return unicodedata.normalize("NFKC", text).casefold()


def _listed(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _order(text: str | None) -> tuple[tuple[str, bool], ...]:
    keys: dict[str, bool] = {}
    for part in () if text is None else text.split(","):
        name = part.strip().lstrip("+-")
        if name not in SORTABLES:
            raise NotListedError("property", name, SORTABLES, "sortby")
        keys.setdefault(name, part.strip().startswith("-"))  # named again it orders nothing more
    return tuple(keys.items())


def _after(token: str | None, question: str) -> str | None:
    if token is None:
        return None
    require_token(token)
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise unusable() from error
    if not data.startswith(question):
        raise unusable()
    return data.removeprefix(question)


def unusable() -> NoPageError:
    """What is said of a token that leads nowhere."""
    return NoPageError(
        "next: this token is not one of ours for this question. Begin with the first page and "
        "follow its links.",
        "next：该翻页标记不属于本次查询。请从第一页开始，按返回的链接翻页。",
    )
