"""What a client asks of a layer: moments and a filter, and the rows that they select."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
import structlog

from models.cql2 import Expression, NotListedError
from models.crs import StorageCrs
from models.db.features_items import Order, Selection, connection, fetch
from models.db.features_state import State, read_state
from models.db.pool import tiled_options
from models.errors import TwinError
from models.features import THEME_TABLES, Theme
from models.twins import TwinDefinition
from tiles.errors import TileNotFoundError
from tiles.mesh.ragged import I64
from tiles.profile import Profile
from twin.api.errors import STATUS
from twin.api.ogc.attributes import naming_attributes
from twin.api.ogc.collections import COLLECTIONS, Collection
from twin.api.ogc.errors import ParameterError
from twin.api.ogc.parameters import filter_language, read_filter
from twin.api.ogc.times import read_moment
from twin.services import Services
from twin.tile_looks import Looks

#: Parameters that make a tileset one of these.
PARAMETERS: Final = ("datetime", "as-of", "filter", "filter-lang", "filter-crs")
_log = structlog.get_logger("twin.dynamic")


class TooManyError(TwinError):
    """The question selects more features than are encoded on demand."""

    code = "DYN-01"


STATUS[TooManyError] = 400


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a layer of a twin, as the client wrote it, and what it comes to.

    ``profile`` is that of the published layer, whose contents then are the same bytes.
    """

    twin: TwinDefinition
    theme: Theme
    given: tuple[tuple[str, str], ...]
    state: State
    profile: Profile

    @property
    def pinned(self) -> str:
        """The question as a query string that means the same for ever."""
        rest = [(name, text) for name, text in self.given if name.startswith("filter")]
        times = [("datetime", _iso(self.state.moment)), ("as-of", _iso(self.state.recorded))]
        return urlencode([(name, text) for name, text in (*times, *rest) if text is not None])


async def ask(services: Services, twin: str, layer: str, given: Mapping[str, str]) -> Question:
    """The question that ``given`` parameters ask.

    Raises :class:`models.errors.UnknownTwinError`, :class:`tiles.errors.TileNotFoundError`,
    :class:`ParameterError`, :class:`models.errors.DatabaseError`.
    """
    definition = services.twin(twin)
    if layer not in definition.layers or layer not in list(Theme):
        raise TileNotFoundError(
            f"Twin '{twin}' has no layer '{layer}' with a history of features; "
            f"datetime, as-of and filter need one of {', '.join(Theme)}.",
            f"孪生体“{twin}”的图层“{layer}”没有要素历史；"
            f"datetime、as-of、filter 只用于 {'、'.join(Theme)}。",
        )
    moment, as_of = (_moment(name, given.get(name)) for name in ("datetime", "as-of"))
    theme = Theme(layer)
    async with connection(services.pool) as conn:
        state = await read_state(conn, twin, theme, moment, as_of)
        options = await tiled_options(conn, twin, theme, services.tiles.name)
    profile, _ = Looks().over(theme, options)
    asked = tuple((name, given[name]) for name in PARAMETERS if name in given)
    return Question(definition, theme, asked, state, profile)


async def rows_of(
    services: Services, question: Question, storage: StorageCrs, most: int
) -> dict[str, I64]:
    """Numbers of the rows that match, by table, in order of id.

    Raises :class:`TooManyError` where they are more than ``most``,
    :class:`models.cql2.FilterError`, :class:`models.errors.DatabaseError`.
    """
    out: dict[str, I64] = {}
    async with connection(services.pool) as conn:
        filters = await _filters(conn, question, storage)
        for table in THEME_TABLES[question.theme]:
            found = []
            if question.state.recorded is not None and table in filters:
                what = Selection(
                    table,
                    storage.srid,
                    question.state,
                    filter=filters[table],
                    order=(Order("id", "uuid"),),
                )
                found = await fetch(conn, what, [], most + 1)
            out[table] = np.array([row[-1] for row in found], np.int64)
    if sum(map(len, out.values())) > most:
        raise TooManyError(
            f"The question selects more than {most:,} features; that many are encoded "
            "on demand. Narrow the filter, such as by S_INTERSECTS(geometry, BBOX(…)).",
            f"所选要素超过 {most:,} 个，即时切片的上限。"
            "请缩小过滤条件，例如加上 S_INTERSECTS(geometry, BBOX(…))。",
        )
    return out


async def _filters(
    conn: Any, question: Question, storage: StorageCrs
) -> dict[str, Expression | None]:
    """The filter for each table that has its properties.

    Raises :class:`models.cql2.FilterError` where none has.
    """
    given, out = dict(question.given), {}
    language = filter_language(given)

    def written(collection: Collection) -> Expression | None:
        return read_filter(given, collection.queryables, storage, language)

    missing: NotListedError | None = None
    for collection in COLLECTIONS.values():
        if collection.table in THEME_TABLES[question.theme]:
            try:
                out[collection.table] = await naming_attributes(
                    conn, question.twin, collection, written
                )
            except NotListedError as error:
                missing = error
    if missing is not None and not out:
        raise missing
    return out


def _moment(name: str, text: str | None) -> dt.datetime | None:
    """The last moment of what is written."""
    if text is None:
        return None
    if "/" in text:
        raise ParameterError(
            f"{name}: found the period '{text}'; a tileset shows one moment. Give that, such as "
            "2020-01-31.",
            f"{name}：收到区间“{text}”；瓦片集只显示一个时刻，请给出时刻，如 2020-01-31。",
        )
    return read_moment(name, text)[1]


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
