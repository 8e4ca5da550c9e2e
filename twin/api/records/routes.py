"""``/ogc/{twin}/collections/datasets``: the catalogue, its records, and one record."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from models.crs import StorageCrs
from models.db import entries as db
from models.db.entries import Entry
from models.twins import TwinDefinition
from tiles.errors import TileNotFoundError
from twin.api.errors import NotFoundError
from twin.api.ogc import pages
from twin.api.ogc.answers import etag, html_reply, reply, unchanged
from twin.api.ogc.crs import CRS84
from twin.api.ogc.formats import HTML, SCHEMAS, Format, negotiate
from twin.api.ogc.links import address, link, representations, root
from twin.api.ogc.parameters import known
from twin.api.ogc.times import now_text
from twin.api.records import documents
from twin.api.records.definition import SEARCH, operation
from twin.api.records.distributions import CATALOGUE, Place
from twin.api.records.documents import CATALOGUE_FORMATS, RECORDS, TITLE
from twin.api.records.record import record
from twin.api.records.search import PARAMETERS, QUERYABLES, read_wanted
from twin.api.records.selection import rows, select
from twin.services import Services

router = APIRouter(prefix="/ogc/{twin}/collections/" + CATALOGUE, tags=["OGC API – Records"])

_TERRAIN: Final = "terrain"
_CRS: Final = {"Content-Crs": f"<{CRS84}>"}
#: Columns of the page.
_COLUMNS: Final = {
    "title": "标题 Title",
    "organisation": "提交单位 Organisation",
    "features": "要素数 Features",
    "revision": "版本 Revision",
    "license": "许可 Licence",
    "visibility": "原始文件 Originals",
    "updated": "更新 Updated",
}


@router.head("", include_in_schema=False)
@router.get("", **operation("getCatalogue", TITLE, CATALOGUE_FORMATS))
async def get_catalogue(request: Request, twin: str) -> Response:
    """What the catalogue is."""
    definition, how, _ = _begin(request, twin, CATALOGUE_FORMATS)
    since = await db.since(_services(request).pool, twin)
    found = documents.catalogue(root(request, twin), definition, since, how)
    return await _answer(request, found, how)


@router.head("/queryables", include_in_schema=False)
@router.get("/queryables", **operation("getCatalogueQueryables", "可查询 Queryables", SCHEMAS))
async def get_queryables(request: Request, twin: str) -> Response:
    """What a filter may name."""
    _, how, _ = _begin(request, twin, SCHEMAS)
    return await _answer(request, documents.queryables(root(request, twin)), how)


@router.head("/sortables", include_in_schema=False)
@router.get("/sortables", **operation("getCatalogueSortables", "可排序 Sortables", SCHEMAS))
async def get_sortables(request: Request, twin: str) -> Response:
    """What ``sortby`` may name."""
    _, how, _ = _begin(request, twin, SCHEMAS)
    return await _answer(request, documents.sortables(root(request, twin)), how)


@router.head("/items", include_in_schema=False)
@router.get("/items", **operation("getRecords", "记录 Records", RECORDS, SEARCH))
async def get_records(request: Request, twin: str) -> Response:
    """Records, by page."""
    definition, how, given = _begin(request, twin, RECORDS, PARAMETERS)
    services, storage = _services(request), _storage(request)
    wanted = read_wanted(given, storage)
    found = await db.entries(services.pool, twin)
    passing = None
    if wanted.filter is not None:
        asked = rows(found, definition, storage)
        passing = await db.passing(services.pool, asked, QUERYABLES, wanted.filter, storage.srid)
    page, matched, token = select(found, definition, wanted, passing)
    records = await _records(request, definition, page)
    here = f"{root(request, twin)}/collections/{CATALOGUE}"
    rest = {k: v for k, v in given.items() if k not in ("f", "next")}
    links = [
        *representations(f"{here}/items", {k: v for k, v in given.items() if k != "f"}, how,
                         RECORDS),
        link("collection", here, "application/ogc-catalog+json", TITLE),
        link("profile", "http://www.opengis.net/def/profile/OGC/0/ogc-catalog", None, "OGC"),
    ]  # fmt: skip
    if token is not None:
        following = address(f"{here}/items", {**rest, "next": token, "f": how.name})
        links.append(link("next", following, how.media, "下一页 Next page"))
    body = {
        "type": "FeatureCollection",
        "numberMatched": matched,
        "numberReturned": len(records),
        "features": records,
        "links": links,
    }
    tag = etag(orjson.dumps(body).decode(), how.name)
    if (same := unchanged(request, tag)) is not None:
        return same
    if how is HTML:
        shown = pages.features(TITLE, _COLUMNS, records, links, f"{here}/items")
        return await html_reply(request, shown, tag, _CRS)
    told = orjson.dumps({**body, "timeStamp": now_text()})
    return await reply(request, told, how, tag=tag, headers=_CRS)


@router.head("/items/{record_id}", include_in_schema=False)
@router.get("/items/{record_id}", **operation("getRecord", "一条记录 One record", RECORDS))
async def get_record(request: Request, twin: str, record_id: str) -> Response:
    """One record."""
    definition, how, _ = _begin(request, twin, RECORDS, ("f", "crs"))
    entry = await find(request, twin, record_id)
    (found,) = await _records(request, definition, [entry])
    if how is HTML:  # this page is the record itself
        for one in found["links"]:
            one["rel"] = {"self": "alternate", "alternate": "self"}.get(one["rel"], one["rel"])
    return await _answer(request, found, how, found["properties"]["title"])


async def find(request: Request, twin: str, record_id: str) -> Entry:
    """The dataset of that record. Raises :class:`NotFoundError`."""
    for entry in await db.entries(_services(request).pool, twin):
        if str(entry.id(twin)) == record_id:
            return entry
    raise NotFoundError(
        f"The catalogue of '{twin}' has no record '{record_id[:60]}'. "
        f"/ogc/{twin}/collections/{CATALOGUE}/items lists all.",
        f"“{twin}”的数据目录没有记录“{record_id[:60]}”。"
        f"/ogc/{twin}/collections/{CATALOGUE}/items 列出全部。",
    )


async def _records(
    request: Request, twin: TwinDefinition, page: list[Entry]
) -> list[dict[str, Any]]:
    services = _services(request)
    told = await db.lineages(services.pool, twin.id, page)
    files = {
        uuid.UUID(file["id"])
        for lineage in told.values()
        for delivery in lineage.deliveries
        for file in delivery["files"]
        if file["original"] == "kept"
    }
    kept = await db.originals(services.pool, twin.id, files) if files else {}
    free = frozenset(str(i) for i, o in kept.items() if o.fills and not o.restricted)
    tiled = await _tiled(services, twin)
    service = str(request.base_url).rstrip("/")
    place = Place(service, root(request, twin.id), _storage(request), tiled, free)
    return [record(entry, told[entry.name, entry.theme], twin, place) for entry in page]


async def _tiled(services: Services, twin: TwinDefinition) -> frozenset[str]:
    versions = {
        layer: await services.version(twin.id, layer) for layer in twin.layers if layer != _TERRAIN
    }
    found = {layer for layer, version in versions.items() if version is not None}
    try:
        await asyncio.to_thread(services.terrain, twin.id, "layer.json")
        found.add(_TERRAIN)
    except TileNotFoundError:
        pass
    return frozenset(found)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _storage(request: Request) -> StorageCrs:
    storage: StorageCrs = request.app.state.features.storage
    return storage


def _begin(
    request: Request, twin: str, offered: tuple[Format, ...], allowed: tuple[str, ...] = ("f",)
) -> tuple[TwinDefinition, Format, dict[str, str]]:
    definition = _services(request).twin(twin)
    given = known(request.query_params, allowed)
    how = negotiate(given.get("f"), request.headers.get("accept", ""), offered)
    return definition, how, given


async def _answer(
    request: Request, found: dict[str, Any], how: Format, title: str = TITLE
) -> Response:
    data = orjson.dumps(found)
    tag = etag(data.decode(), how.name)
    if (same := unchanged(request, tag)) is not None:
        return same
    if how is HTML:
        return await html_reply(request, pages.document(title, found), tag)
    return await reply(request, data, how, tag=tag)
