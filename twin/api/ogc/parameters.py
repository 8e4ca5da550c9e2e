"""The query parameters of items: read, checked and bounded; what is wrong is told with what is
allowed.

Names are those of OGC 17-069r4 (Part 1), 18-058r1 (Part 2), 19-079r2 (Part 3) and the drafts on
sorting and property selection; ``as-of`` is record time and ``next`` the place of a page.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import shapely
from starlette.datastructures import QueryParams

from models.cql2 import Language, NotListedError, parse
from models.cql2.geometry import Corners, box_parts
from models.cql2.read import Listed
from models.cql2.tree import Call, Expression, Kind, Property
from models.crs import StorageCrs
from models.db.features_items import Order
from models.db.features_query import Heights
from models.twins import TwinDefinition
from twin.api.ogc.collections import Collection
from twin.api.ogc.crs import CRS84, Crs, find_crs, height_range, storage_box, storage_geometry
from twin.api.ogc.errors import ParameterError
from twin.api.ogc.times import Period, read_moment, read_period

#: Features of a page.
DEFAULT_LIMIT: Final = 10
MOST_LIMIT: Final = 10_000
LARGEST_LIMIT: Final = 2**31 - 1
#: Sort keys of one request.
MOST_KEYS: Final = 4

ITEMS: Final = (
    "f", "limit", "bbox", "bbox-crs", "crs", "datetime", "as-of", "filter", "filter-lang",
    "filter-crs", "sortby", "properties", "counts", "next",
)  # fmt: skip
ITEM: Final = ("f", "crs", "datetime", "as-of", "properties")
#: Those that decide which features there are, and in which order.
_QUESTION: Final = (
    "bbox", "bbox-crs", "datetime", "as-of", "filter", "filter-lang", "filter-crs", "sortby",
)  # fmt: skip
#: Kinds of source attributes that can be sorted by, with the types that they are compared as.
_ORDERED: Final = {Kind.TEXT: "text", Kind.NUMBER: "double precision"}
_LANGUAGES: Final = ("cql2-text", "cql2-json")
#: Degrees about a twin within which its features lie: those farther off are refused.
_NEAR: Final = 0.06
#: Degrees or metres beyond which nothing is in any CRS; of larger numbers areas overflow.
_FAR: Final = 1e9


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks of items; geometries are in the storage CRS, heights of the 1985 datum.

    ``limit`` is what was given, None where nothing was; a page holds at most
    :data:`MOST_LIMIT`. ``question`` names the set of features and their order.
    """

    crs: Crs
    limit: int | None
    period: Period | None
    as_of: dt.datetime | None
    box: Any
    heights: Heights | None
    filter: Expression | None
    order: tuple[Order, ...]
    properties: tuple[str, ...] | None
    counts: bool
    token: str | None
    question: str

    @property
    def spatial(self) -> bool:
        """Whether an index on place may serve."""
        return self.box is not None or (self.filter is not None and _spatial(self.filter))


def known(query: QueryParams, allowed: Iterable[str]) -> dict[str, str]:
    """The parameters, each once. Raises :class:`ParameterError` for others or repeated ones."""
    names = tuple(allowed)
    unknown = [name for name in query if name not in names]
    if unknown:
        only = f"Expected only {', '.join(names)}." if names else "This address takes none."
        only_zh = f"可用参数：{'、'.join(names)}。" if names else "此地址不接受查询参数。"
        raise ParameterError(
            f"Unknown query parameter: {', '.join(unknown)[:200]}. {only}",
            f"未知的查询参数：{', '.join(unknown)[:200]}。{only_zh}",
        )
    given = [name for name, _ in query.multi_items()]
    for name in given:
        if given.count(name) > 1:
            raise ParameterError(
                f"{name}: given {given.count(name)} times, expected once.",
                f"{name}：出现 {given.count(name)} 次，应为一次。",
            )
    return dict(query)


def read_wanted(
    given: Mapping[str, str],
    collection: Collection,
    twin: TwinDefinition,
    storage: StorageCrs,
    default_crs: str = CRS84,
) -> Wanted:
    """The request of :data:`ITEMS` or :data:`ITEM`.

    Raises :class:`ParameterError`, :class:`twin.api.ogc.crs.CrsError` and
    :class:`models.cql2.FilterError`.
    """
    box, heights = _box(given, twin, storage)
    return Wanted(
        crs=find_crs("crs", given.get("crs", default_crs), storage),
        limit=_limit(given.get("limit")),
        period=read_period("datetime", given["datetime"]) if "datetime" in given else None,
        as_of=read_moment("as-of", given["as-of"])[1] if "as-of" in given else None,
        box=box,
        heights=heights,
        filter=read_filter(given, collection.queryables, storage),
        order=_order(given.get("sortby"), collection),
        properties=_properties(given.get("properties"), collection),
        counts=_flag("counts", given.get("counts")),
        token=given.get("next"),
        question="\n".join([twin.id, collection.id, *(given.get(n, "") for n in _QUESTION)]),
    )


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    # more than a page holds is not an error (OGC 17-069r4, /req/core/fc-limit-response-1)
    if re.fullmatch(r"0*[1-9]\d{0,9}", text, re.ASCII) is None or int(text) > LARGEST_LIMIT:
        raise wrong("limit", text, f"a whole number from 1; a page holds at most {MOST_LIMIT}",
                     f"不小于 1 的整数，每页至多 {MOST_LIMIT} 个")  # fmt: skip
    return int(text)


def _flag(name: str, text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise wrong(name, text, "true or false", "true 或 false")
    return text == "true"


def _box(
    given: Mapping[str, str], twin: TwinDefinition, storage: StorageCrs
) -> tuple[Any, Heights | None]:
    text = given.get("bbox")
    crs = find_crs("bbox-crs", given.get("bbox-crs", CRS84), storage)
    if text is None:
        return None, None
    numbers = [_number(part) for part in text.split(",")]
    if None in numbers or len(numbers) not in (4, 6):
        raise wrong("bbox", text, "4 or 6 numbers: west,south,east,north, with heights "
                     "west,south,low,east,north,high", "4 或 6 个数：西,南,东,北；"
                     "带高程为 西,南,低,东,北,高")  # fmt: skip
    plain = cast("list[float]", numbers)
    levels = None
    if len(plain) == 6:
        # heights are ellipsoidal but with the storage CRS, also where a CRS of two axes is named
        levels = min(plain[2], plain[5]), max(plain[2], plain[5])
        plain = [plain[0], plain[1], plain[3], plain[4]]
    corners = cast("Corners", tuple(min(max(n, -_FAR), _FAR) for n in plain))
    found = storage_box(corners, crs, storage, parameter="bbox")
    if levels is None:
        return found, None
    near = shapely.box(*twin.extent).buffer(_NEAR, join_style="mitre")
    boxes = box_parts(corners, flipped=crs.flipped, degrees=crs.degrees)
    within = shapely.intersection(shapely.union_all(boxes), near) if crs.degrees else near
    # a point, a line, or nothing that could be found
    if within.is_empty or shapely.get_dimensions(within) != 2:
        within = near
    return found, height_range(*levels, within, crs, twin.n_offset, storage)


def read_filter(
    given: Mapping[str, str],
    queryables: Mapping[str, Listed],
    storage: StorageCrs,
    language: Language | None = None,
) -> Expression | None:
    """The filter over ``queryables`` that is asked for, in the storage CRS.

    Without ``language`` it is what the filter is written in: none in text begins with a brace,
    every one in JSON does, so that what is named the other by mistake is still read. Raises
    :class:`ParameterError`, and as :func:`models.cql2.parse`.
    """
    filter_language(given)
    crs = find_crs("filter-crs", given.get("filter-crs", CRS84), storage)
    if "filter" not in given:
        return None
    written = given["filter"]
    return parse(
        written,
        queryables,
        language=language or ("cql2-json" if written.lstrip().startswith("{") else "cql2-text"),
        transform=lambda shape: storage_geometry(shape, crs, storage),
        place=lambda corners: storage_box(corners, crs, storage),
    )


def filter_language(given: Mapping[str, str]) -> Language:
    """What ``filter-lang`` says. Raises :class:`ParameterError` for another language."""
    language = given.get("filter-lang", "cql2-text")
    if language not in _LANGUAGES:
        raise wrong("filter-lang", language, " or ".join(_LANGUAGES), "或 ".join(_LANGUAGES))
    return cast("Language", language)


def _order(text: str | None, collection: Collection) -> tuple[Order, ...]:
    if text is None:
        return ()
    keys: list[Order] = []
    for part in text.split(","):
        name = part.strip().lstrip("+-")
        if len(keys) == MOST_KEYS:
            raise wrong("sortby", text, f"at most {MOST_KEYS} properties, each with + (rising) or "
                         "- (falling) before it",
                         f"至多 {MOST_KEYS} 个属性，前加 +（升序）或 -（降序）")  # fmt: skip
        if name in (k.name for k in keys):  # it orders nothing more
            continue
        keys.append(_key(name, part.strip().startswith("-"), collection))
    return tuple(keys)


def sortable(collection: Collection) -> list[str]:
    """The properties and attributes that features can be sorted by."""
    return [
        name
        for name, found in collection.queryables.items()
        if (found.kind in _ORDERED if isinstance(found, Property) else found != Kind.GEOMETRY)
    ]


def _key(name: str, falling: bool, collection: Collection) -> Order:
    """One sort key. Raises :class:`NotListedError` for what is not there or has no order."""
    found = collection.queryables.get(name)
    if isinstance(found, Property) and found.kind in _ORDERED:
        return Order(name, _ORDERED[found.kind], falling, found)
    if not isinstance(found, Kind) or found == Kind.GEOMETRY:
        raise NotListedError("property", name, tuple(sortable(collection)), "sortby")
    declared = "uuid" if name == "id" else collection.fields[name].declared
    return Order(name, declared, falling)


def _properties(text: str | None, collection: Collection) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name not in collection.fields:
            raise NotListedError("property", name, tuple(collection.fields), "properties")
    return tuple(dict.fromkeys(names))


def _number(text: str) -> float | None:
    if re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text, re.ASCII) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _spatial(node: Expression) -> bool:
    if not isinstance(node, Call):
        return False
    return node.op.startswith("s_") or any(_spatial(arg) for arg in node.args)


def wrong(parameter: str, text: str | None, en: str, zh: str) -> ParameterError:
    """What is said of a parameter that is not as expected."""
    shown = text if text is not None and len(text) <= 80 else f"{(text or '')[:77]}..."
    return ParameterError(
        f"{parameter}: found '{shown}', expected {en}.", f"{parameter}：收到“{shown}”，应为{zh}。"
    )
