"""``/ogc/{twin}``: landing page, conformance, collections and their features.

Every address answers JSON or HTML (``f=`` or Accept), refuses parameters that it has not, and takes
GET and HEAD.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from models.db.entries import since
from models.errors import DatabaseError
from models.twins import TwinDefinition
from twin.api.ogc import api, documents, items, pages
from twin.api.ogc.answers import etag, html_reply, reply, unchanged
from twin.api.ogc.attributes import naming_attributes, with_attributes
from twin.api.ogc.collections import Collection, find_collection, of_twin
from twin.api.ogc.crs import CRS84, CRS84H
from twin.api.ogc.formats import (
    DOCUMENT,
    HTML,
    ITEM,
    ITEMS,
    JSONFG,
    JSONFG_SEQUENCE,
    OPENAPI,
    SCHEMAS,
    Format,
    negotiate,
)
from twin.api.ogc.parameters import ITEM as ITEM_PARAMETERS
from twin.api.ogc.parameters import ITEMS as ITEMS_PARAMETERS
from twin.api.ogc.parameters import Wanted, known, read_wanted
from twin.api.ogc.service import FeatureService

router = APIRouter(prefix="/ogc/{twin}", include_in_schema=False)

_METHODS: Final = ["GET", "HEAD"]


@router.api_route("", methods=_METHODS)
@router.api_route("/", methods=_METHODS)
async def get_landing_page(request: Request, twin: str) -> Response:
    """What there is of the twin."""
    definition, how = _begin(request, twin, DOCUMENT)
    found = documents.landing(request, definition, how)
    return await _document(request, found, how, found["title"])


@router.api_route("/conformance", methods=_METHODS)
async def get_conformance(request: Request, twin: str) -> Response:
    """The standards that are held to."""
    definition, how = _begin(request, twin, DOCUMENT)
    found = documents.conformance(request, definition, how)
    return await _document(request, found, how, "符合性 Conformance")


@router.api_route("/api", methods=_METHODS)
async def get_api(request: Request, twin: str) -> Response:
    """The definition of all addresses of the twin, OpenAPI 3.0.3. While the database is away it
    leaves out the attributes that were found in the data."""
    definition, how = _begin(request, twin, (OPENAPI, HTML))
    service = _service(request)
    pool, collections = service.services.pool, list(of_twin(definition).values())
    with suppress(DatabaseError):
        collections = [await with_attributes(pool, definition, one) for one in collections]
    found = api.document(request, definition, collections, service.storage)
    data = orjson.dumps(found)
    tag = etag(data.decode(), how.name)
    if (same := unchanged(request, tag)) is not None:
        return same
    if how is HTML:
        return await html_reply(request, api.page(found), tag)
    return await reply(request, data, how, tag=tag)


@router.api_route("/collections", methods=_METHODS)
async def get_collections(request: Request, twin: str) -> Response:
    """All collections."""
    definition, how = _begin(request, twin, DOCUMENT)
    service = _service(request)
    extents, stamp = await service.extents(definition)
    first = await since(service.services.pool, twin)
    found = documents.collections(request, definition, extents, first, service.storage, how)
    return await _document(request, found, how, "要素集 Collections", f"{stamp} {first}")


@router.api_route("/collections/{collection}", methods=_METHODS)
async def get_collection(request: Request, twin: str, collection: str) -> Response:
    """One collection."""
    definition, how = _begin(request, twin, DOCUMENT)
    there = find_collection(definition, collection)
    service = _service(request)
    extents, stamp = await service.extents(definition)
    extent = extents[there.table]
    found = documents.collection(request, definition, there, extent, service.storage, how)
    return await _document(request, found, how, there.title, stamp)


@router.api_route("/collections/{collection}/queryables", methods=_METHODS)
async def get_queryables(request: Request, twin: str, collection: str) -> Response:
    """What a filter may name."""
    definition, how = _begin(request, twin, SCHEMAS)
    there = await _described(request, definition, collection)
    found = documents.queryables(request, definition, there)
    return await _document(request, found, how, f"{there.title} – 可查询属性 Queryables")


@router.api_route("/collections/{collection}/schema", methods=_METHODS)
async def get_schema(request: Request, twin: str, collection: str) -> Response:
    """The properties of the features."""
    definition, how = _begin(request, twin, SCHEMAS)
    there = await _described(request, definition, collection)
    found = documents.schema(request, definition, there)
    return await _document(request, found, how, f"{there.title} – 属性结构 Schema")


@router.api_route("/collections/{collection}/items", methods=_METHODS)
async def get_features(request: Request, twin: str, collection: str) -> Response:
    """Features, by page or streamed."""
    definition, how = _begin(request, twin, ITEMS, ITEMS_PARAMETERS)
    there = find_collection(definition, collection)
    service = _service(request)
    wanted = await _wanted(request, there, definition, how)
    return await items.features(request, service, definition, there, wanted, how)


@router.api_route("/collections/{collection}/items/{feature}", methods=_METHODS)
async def get_feature(request: Request, twin: str, collection: str, feature: str) -> Response:
    """One feature."""
    definition, how = _begin(request, twin, ITEM, ITEM_PARAMETERS)
    there = find_collection(definition, collection)
    service = _service(request)
    wanted = await _wanted(request, there, definition, how)
    try:
        identity = uuid.UUID(feature)
    except ValueError:
        raise items.no_feature(there, feature) from None
    return await items.feature(request, service, definition, there, wanted, how, identity)


def _service(request: Request) -> FeatureService:
    service: FeatureService = request.app.state.features
    return service


def _begin(
    request: Request, twin: str, offered: tuple[Format, ...], allowed: tuple[str, ...] = ("f",)
) -> tuple[TwinDefinition, Format]:
    """The twin and the representation; unknown parameters are refused."""
    definition = _service(request).services.twin(twin)
    given = known(request.query_params, allowed)
    return definition, negotiate(given.get("f"), request.headers.get("accept", ""), offered)


async def _described(request: Request, twin: TwinDefinition, collection: str) -> Collection:
    """The collection with the attributes that were found in its data."""
    there = find_collection(twin, collection)
    return await with_attributes(_service(request).services.pool, twin, there)


async def _wanted(
    request: Request, collection: Collection, twin: TwinDefinition, how: Format
) -> Wanted:
    """The parameters, read with the attributes that they name."""
    service, solid = _service(request), how in (JSONFG, JSONFG_SEQUENCE)
    crs = CRS84H if solid else CRS84

    def read(there: Collection) -> Wanted:
        return read_wanted(request.query_params, there, twin, service.storage, crs)

    return await naming_attributes(service.services.pool, twin, collection, read)


async def _document(
    request: Request, found: dict[str, Any], how: Format, title: str, stamp: str | None = None
) -> Response:
    data = orjson.dumps(found)
    tag = etag(data.decode() if stamp is None else stamp, str(request.url), how.name)
    if (same := unchanged(request, tag)) is not None:
        return same
    if how is HTML:
        return await html_reply(request, pages.document(title, found), tag)
    return await reply(request, data, how, tag=tag)
