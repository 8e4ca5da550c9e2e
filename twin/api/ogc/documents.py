"""Landing page, conformance, collections, queryables and schemas, as Python objects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request

from models.attributes import JSON_COLUMNS, object_schema
from models.crs import StorageCrs
from models.twins import TwinDefinition
from twin.api.mvt import links as mvt
from twin.api.ogc.collections import Collection, of_twin
from twin.api.ogc.conformance import CONFORMS_TO
from twin.api.ogc.crs import FRAME_EPOCH, offered, storage_uri
from twin.api.ogc.formats import DOCUMENT, HTML, ITEMS, JSON, OPENAPI, SCHEMA, Format
from twin.api.ogc.links import address, link, representations, root
from twin.api.ogc.service import Extent
from twin.api.ogc.times import temporal
from twin.api.records import documents as records

_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"
_SCHEMA_REL: Final = "http://www.opengis.net/def/rel/ogc/1.0/schema"
_QUERYABLES_REL: Final = "http://www.opengis.net/def/rel/ogc/1.0/queryables"


def landing(request: Request, twin: TwinDefinition, current: Format) -> dict[str, Any]:
    """The landing page (OGC 17-069r4 section 7.2)."""
    base = root(request, twin.id)
    links = [
        *representations(base, {}, current, DOCUMENT),
        link("service-desc", f"{base}/api", OPENAPI.media, "接口定义 API definition"),
        link("service-doc", f"{base}/api?f=html", HTML.media, "接口说明 API documentation"),
        link("conformance", f"{base}/conformance", JSON.media, "符合性 Conformance"),
        link("data", f"{base}/collections", JSON.media, "要素集 Collections"),
        *mvt.landing_links(base),
        *records.landing_links(base),
    ]
    return {
        "title": f"{twin.name_zh} {twin.name_en}",
        "description": f"{twin.name_zh}城市孪生的要素。Features of the city twin {twin.name_en}.",
        "links": links,
    }


def conformance(request: Request, twin: TwinDefinition, current: Format) -> dict[str, Any]:
    """The conformance declaration (section 7.4)."""
    links = representations(f"{root(request, twin.id)}/conformance", {}, current, DOCUMENT)
    return {"conformsTo": [*CONFORMS_TO, *mvt.CONFORMANCE, *records.CONFORMANCE], "links": links}


def collections(
    request: Request,
    twin: TwinDefinition,
    extents: Mapping[str, Extent],
    since: dt.datetime | None,
    storage: StorageCrs,
    current: Format,
) -> dict[str, Any]:
    """All collections (section 7.13); ``extents`` by table, ``since`` that of the catalogue."""
    base = root(request, twin.id)
    return {
        "links": [
            *representations(f"{base}/collections", {}, current, DOCUMENT),
            link("root", base, JSON.media, "首页 Landing page"),
        ],
        "crs": list(offered(storage)),
        "collections": [
            *(
                collection(request, twin, one, extents[one.table], storage, None)
                for one in of_twin(twin).values()
            ),
            records.catalogue(base, twin, since, None),
        ],
    }


def collection(
    request: Request,
    twin: TwinDefinition,
    one: Collection,
    extent: Extent,
    storage: StorageCrs,
    current: Format | None,
) -> dict[str, Any]:
    """One collection (section 7.14). Where nothing is stored its extent is the twin's."""
    base = root(request, twin.id)
    here = f"{base}/collections/{one.id}"
    links = [
        *(representations(here, {}, current, DOCUMENT) if current else
          [link("self", here, JSON.media, one.title)]),
        *(
            link("items", address(f"{here}/items", {"f": f.name}), f.media, f"要素 Items ({f.en})")
            for f in ITEMS
        ),
        link(_QUERYABLES_REL, f"{here}/queryables", SCHEMA.media, "可查询属性 Queryables"),
        link(_SCHEMA_REL, f"{here}/schema", SCHEMA.media, "属性结构 Schema"),
        link("describedby", f"{here}/schema", SCHEMA.media, "属性结构 Schema"),
        *mvt.collection_links(base, one.id),
    ]  # fmt: skip
    return {
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "itemType": "feature",
        "featureType": one.table,
        "geometryDimension": {"Point": 0, "LineString": 1}.get(one.geometry, 2),
        "extent": {
            "spatial": {"bbox": [extent.box or list(twin.extent)], "crs": next(iter(offered()))},
            "temporal": temporal(*extent.times),
        },
        "crs": [uri for uri, crs in offered(storage).items() if crs.listed],
        "storageCrs": storage_uri(storage),
        "storageCrsCoordinateEpoch": FRAME_EPOCH,
        "links": links,
    }


def schema(request: Request, twin: TwinDefinition, one: Collection) -> dict[str, Any]:
    """The properties that are answered (OGC 23-058, Part 5), as JSON Schema."""
    fields = {
        name: {**field.schema, "x-ogc-propertySeq": number}
        for number, (name, field) in enumerate(one.fields.items(), 3)
    }
    for column in JSON_COLUMNS.keys() & fields.keys():
        fields[column]["properties"] = object_schema(one.attributes, column)
    for name, role in (("valid_from", "primary-interval-start"), ("valid_to",
                       "primary-interval-end")):  # fmt: skip
        fields[name]["x-ogc-role"] = role
    return {
        **_head(request, twin, one, "schema"),
        "properties": {
            "id": {"type": "string", "format": "uuid", "readOnly": True, "title": "标识 Id",
                   "x-ogc-role": "id", "x-ogc-propertySeq": 1},
            "geometry": {**_geometry(one), "x-ogc-role": "primary-geometry",
                         "x-ogc-propertySeq": 2},
            **fields,
        },
    }  # fmt: skip


def queryables(request: Request, twin: TwinDefinition, one: Collection) -> dict[str, Any]:
    """The properties that a filter may name (OGC 19-079r2 section 6.2), as JSON Schema."""
    return {
        **_head(request, twin, one, "queryables"),
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "format": "uuid", "title": "标识 Id", "x-ogc-role": "id"},
            "geometry": {**_geometry(one), "x-ogc-role": "primary-geometry"},
            **{n: f.schema for n, f in one.fields.items() if f.kind is not None},
            **{n: a.queryable for n, a in one.members.items() if a.kind is not None},
        },
    }


def _head(request: Request, twin: TwinDefinition, one: Collection, name: str) -> dict[str, Any]:
    return {
        "$schema": _SCHEMA,
        "$id": f"{root(request, twin.id)}/collections/{one.id}/{name}",
        "type": "object",
        "title": one.title,
        "description": one.description,
    }


def _geometry(one: Collection) -> dict[str, Any]:
    return {
        "title": "几何 Geometry",
        "format": f"geometry-{one.geometry.lower()}",
        "$ref": f"https://geojson.org/schema/{one.geometry}.json",
    }
