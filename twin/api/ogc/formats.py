"""Representations and how a client chooses one: ``f=`` first, else the Accept header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from twin.api.analyses import chosen
from twin.api.ogc.errors import NotAcceptableError, ParameterError


@dataclass(frozen=True, slots=True)
class Format:
    """``name`` is the value of ``f``; ``streamed`` ones have no pages unless ``limit`` is given.

    ``also`` are other media types that ask for the same.
    """

    name: str
    media: str
    zh: str
    en: str
    streamed: bool = False
    also: tuple[str, ...] = ()


JSON: Final = Format("json", "application/json", "JSON", "JSON")
HTML: Final = Format("html", "text/html", "网页", "HTML", also=("application/xhtml+xml",))
SCHEMA: Final = Format(
    "json", "application/schema+json", "JSON 模式", "JSON Schema", also=("application/json",)
)
OPENAPI: Final = Format(
    "json",
    "application/vnd.oai.openapi+json;version=3.0",
    "OpenAPI 3.0",
    "OpenAPI 3.0",
    also=("application/vnd.oai.openapi+json", "application/openapi+json", "application/json"),
)
GEOJSON: Final = Format(
    "json", "application/geo+json", "GeoJSON", "GeoJSON", also=("application/json",)
)
JSONFG: Final = Format("jsonfg", "application/vnd.ogc.fg+json", "JSON-FG", "JSON-FG")
CSV: Final = Format("csv", "text/csv", "CSV", "CSV", streamed=True)
FLATGEOBUF: Final = Format(
    "fgb", "application/flatgeobuf", "FlatGeobuf", "FlatGeobuf", streamed=True
)
GEOPARQUET: Final = Format(
    "parquet", "application/vnd.apache.parquet", "GeoParquet", "GeoParquet", streamed=True
)
SEQUENCE: Final = Format(
    "geojsonseq", "application/geo+json-seq", "GeoJSON 序列", "GeoJSON text sequence", streamed=True
)
#: No standard names it; its suffix is that of RFC 8091.
JSONFG_SEQUENCE: Final = Format(
    "jsonfgseq", "application/vnd.ogc.fg+json-seq", "JSON-FG 序列", "JSON-FG text sequence",
    streamed=True,
)  # fmt: skip

DOCUMENT: Final = (JSON, HTML)
SCHEMAS: Final = (SCHEMA, HTML)
ITEM: Final = (GEOJSON, JSONFG, HTML)
ITEMS: Final = (GEOJSON, JSONFG, HTML, CSV, FLATGEOBUF, GEOPARQUET, SEQUENCE, JSONFG_SEQUENCE)


def negotiate(name: str | None, accept: str, offered: tuple[Format, ...]) -> Format:
    """The format that ``f`` names, else the one that Accept (RFC 9110 section 12.5.1) likes best.

    Raises :class:`ParameterError` for an unknown ``f`` and :class:`NotAcceptableError`.
    """
    if name is not None:
        for one in offered:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in offered)
        raise ParameterError(
            f"f: found '{name[:40]}', expected one of {names}.",
            f"f：收到“{name[:40]}”，可用：{names}。",
        )
    types = {plain(t): one for one in reversed(offered) for t in (*one.also, one.media)}
    order = [plain(one.media) for one in offered]
    media = chosen(
        accept, tuple(sorted(types, key=lambda t: order.index(t) if t in order else len(order)))
    )
    if media is None:
        listed = ", ".join(one.media for one in offered)
        raise NotAcceptableError(
            f"Accept: there is no representation of '{accept[:80]}'. Expected one of {listed}, "
            "or name one with f=.",
            f"Accept：没有“{accept[:80]}”的表示形式。可用：{listed}，或用 f= 指定。",
        )
    return types[media]


def plain(media: str) -> str:
    """A media type without its parameters."""
    return media.partition(";")[0]
