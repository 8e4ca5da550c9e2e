"""Answers that hold features: pages, single features, and streams of all."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

import orjson
from fastapi import Request, Response

from models.db.features_items import count, fetch, snapshot, streaming
from models.twins import TwinDefinition
from twin.api.errors import NotFoundError
from twin.api.ogc import binary, geojson, jsonfg, pages, tables
from twin.api.ogc.answers import etag, html_reply, reply, stream_reply, unchanged
from twin.api.ogc.collections import Collection
from twin.api.ogc.formats import (
    CSV,
    FLATGEOBUF,
    GEOPARQUET,
    HTML,
    ITEM,
    ITEMS,
    JSONFG,
    JSONFG_SEQUENCE,
    SEQUENCE,
    Format,
)
from twin.api.ogc.links import address, header, link, representations, root
from twin.api.ogc.parameters import DEFAULT_LIMIT, MOST_LIMIT, Wanted
from twin.api.ogc.reading import Reading, in_order, one, prepare
from twin.api.ogc.service import FeatureService
from twin.api.ogc.times import now_text

Parts = Callable[[Any, Reading, int | None], AsyncGenerator[bytes, None]]
_STREAMS: Final[dict[str, Parts]] = {
    CSV.name: tables.comma_separated,
    FLATGEOBUF.name: binary.flatgeobuf,
    GEOPARQUET.name: binary.geoparquet,
    SEQUENCE.name: geojson.sequence,
    JSONFG_SEQUENCE.name: jsonfg.sequence,
}
#: Bytes of a Link header. Links repeat what was asked, and proxies that nobody told otherwise read
#: 4 KiB of headers in all.
_LONGEST_LINK: Final = 2_048
#: Features of a page for people: more would keep all others waiting, and nobody reads them.
_MOST_SHOWN: Final = 1_000


async def features(
    request: Request,
    service: FeatureService,
    twin: TwinDefinition,
    there: Collection,
    wanted: Wanted,
    how: Format,
) -> Response:
    """A page of features, or all of them where the format is streamed."""
    base = f"{root(request, twin.id)}/collections/{there.id}"
    if how.name in _STREAMS:
        return await _streamed(request, service, twin, there, wanted, how)
    limit = min(wanted.limit or DEFAULT_LIMIT, _MOST_SHOWN if how is HTML else MOST_LIMIT)
    async with snapshot(service.services.pool) as conn:
        reading = await prepare(conn, twin, there, wanted, service.storage)
        tag = _tag(request, service, reading, how)
        if (same := unchanged(request, tag)) is not None:
            return same
        reading = await in_order(conn, reading)
        page = await (jsonfg if how is JSONFG else geojson).page(conn, reading, limit)
        matched = None
        if wanted.counts:
            matched = await count(conn, replace(reading.selection, after=None))
        elif wanted.token is None and page.token is None:
            matched = page.count  # this page is all
    given = {k: v for k, v in request.query_params.items() if k != "f"}
    links = representations(f"{base}/items", given, how, ITEMS)
    links.append(link("collection", base, "application/json", there.title))
    if page.token is not None:
        following = address(f"{base}/items", {**given, "f": how.name, "next": page.token})
        links.append(link("next", following, how.media, "下一页 Next page"))
    headers = {"Content-Crs": f"<{wanted.crs.uri}>"}
    if len(told := header(links[-2:])) <= _LONGEST_LINK:  # longer ones are in the body only
        headers["Link"] = told
    if how is HTML:
        titles = {n: f"{f.zh} {f.en}" for n, f in there.fields.items() if n in reading.fields}
        shown = asyncio.to_thread(_shown, there.title, titles, page.body, links, f"{base}/items")
        return await html_reply(request, await shown, tag, headers)
    members = {
        **(jsonfg.members(reading) if how is JSONFG else {}),
        "links": links,
        "timeStamp": now_text(),
        **({} if matched is None else {"numberMatched": matched}),
        "numberReturned": page.count,
    }
    return await reply(
        request, geojson.collection(page.body, members), how, tag=tag, headers=headers
    )


def _shown(title: str, titles: dict[str, str], body: bytes, *rest: Any) -> bytes:
    """The features in ``body`` as a page."""
    return pages.features(title, titles, orjson.loads(b"[" + body + b"]"), *rest)


async def _streamed(
    request: Request,
    service: FeatureService,
    twin: TwinDefinition,
    there: Collection,
    wanted: Wanted,
    how: Format,
) -> Response:
    """All features, or the first ``limit``; the first parts are made before the answer begins, so
    that what is wrong is still told as a problem."""
    tags: list[str] = []

    async def parts() -> AsyncGenerator[bytes, None]:
        async with streaming(service.services.pool) as conn:
            reading = await prepare(conn, twin, there, wanted, service.storage)
            tags.append(_tag(request, service, reading, how))
            yield b""  # no feature is read yet: the client may have them all
            async with aclosing(_STREAMS[how.name](conn, reading, wanted.limit)) as made:
                async for part in made:
                    yield part

    stream = parts()
    await anext(stream)
    if (same := unchanged(request, tags[0])) is not None:
        await stream.aclose()
        return same
    first = [part async for part in _first(stream)]
    headers = {
        "Content-Crs": f"<{wanted.crs.uri}>",
        "Content-Disposition": f'attachment; filename="{twin.id}-{there.id}.{how.name}"',
    }
    return stream_reply(request, first, stream, how, headers, tag=tags[0])


async def _first(stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The first two parts (a header, and what needs the database); the rest stays in ``stream``."""
    for _ in range(2):
        try:
            yield await anext(stream)
        except StopAsyncIteration:
            return


async def feature(
    request: Request,
    service: FeatureService,
    twin: TwinDefinition,
    there: Collection,
    wanted: Wanted,
    how: Format,
    identity: uuid.UUID,
) -> Response:
    """One feature. Raises :class:`twin.api.errors.NotFoundError`."""
    async with snapshot(service.services.pool) as conn:
        reading = await prepare(conn, twin, there, wanted, service.storage)
        kind = jsonfg if how is JSONFG else geojson
        rows = await fetch(conn, one(reading, identity), kind.columns(reading), 1)
        if not rows:
            raise no_feature(there, str(identity))
        tag = _tag(request, service, reading, how)
        if (same := unchanged(request, tag)) is not None:
            return same
        if how is JSONFG:
            (text,) = await jsonfg.texts(conn, reading, rows)
        else:
            (text,) = geojson.texts(reading, rows)
    base = f"{root(request, twin.id)}/collections/{there.id}"
    given = {k: v for k, v in request.query_params.items() if k != "f"}
    links = representations(f"{base}/items/{identity}", given, how, ITEM)
    links.append(link("collection", base, "application/json", there.title))
    headers = {"Content-Crs": f"<{wanted.crs.uri}>"}
    if how is HTML:
        found = orjson.loads(text)
        titles = {f"{f.zh} {f.en}": found["properties"].get(n) for n, f in there.fields.items()}
        body = pages.document(f"{there.title} {identity}", {"links": links, **titles})
        return await html_reply(request, body, tag, headers)
    members = {**(jsonfg.own_members(reading) if how is JSONFG else {}), "links": links}
    body = text[:-1].encode() + b"," + orjson.dumps(members)[1:]
    return await reply(request, body, how, tag=tag, headers=headers)


def _tag(request: Request, service: FeatureService, reading: Reading, how: Format) -> str:
    """Changes with the data, the twin's definition and the program."""
    edition = service.services.edition(reading.twin.id)
    return etag(reading.state.stamp, edition, str(request.url), how.name)


def no_feature(there: Collection, feature: str) -> NotFoundError:
    """What is told where a collection has no such feature."""
    return NotFoundError(
        f"Collection '{there.id}' has no feature '{feature[:60]}' at this time.",
        f"要素集“{there.id}”中此时没有要素“{feature[:60]}”。",
    )
