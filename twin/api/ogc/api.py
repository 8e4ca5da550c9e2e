"""The API definition of one twin, OpenAPI 3.0.3 (OGC 17-069r4 requirements class "OpenAPI 3.0").

The addresses of features are written down here, since their parameters are read by
:mod:`twin.api.ogc.parameters`; those of other parts below ``/ogc/{twin}`` are taken from the
application's own document.
"""

from __future__ import annotations

import copy
from importlib.metadata import version
from typing import Any, Final

from fastapi import Request

from models.crs import StorageCrs
from models.twins import TwinDefinition
from twin.api import openapi
from twin.api.ogc import pages, schemas
from twin.api.ogc.collections import of_twin
from twin.api.ogc.crs import CRS84, offered
from twin.api.ogc.formats import DOCUMENT, HTML, ITEM, ITEMS, OPENAPI, SCHEMAS, Format
from twin.api.ogc.links import root
from twin.api.ogc.parameters import DEFAULT_LIMIT, MOST_LIMIT
from twin.api.ogc.parameters import ITEM as ITEM_PARAMETERS
from twin.api.ogc.parameters import ITEMS as ITEMS_PARAMETERS
from twin.api.ogc.times import MOMENT, PERIOD

_PREFIX: Final = "/ogc/{twin}"
_TEXT: Final = {"type": "string"}
_COLLECTION: Final = "/collections/{collectionId}"


def document(request: Request, twin: TwinDefinition, storage: StorageCrs) -> dict[str, Any]:
    """The definition; its server is the landing page."""
    others = _others(request)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"{twin.name_zh} {twin.name_en}",
            "version": version("cim-twin"),
            "description": "城市孪生要素的开放接口。Open interface to the features of a city twin.",
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "servers": [{"url": root(request, twin.id)}],
        "tags": [{"name": "features", "description": "OGC API – Features"}],
        "paths": {**_paths(), **others["paths"]},
        "components": {
            "parameters": _parameters(twin, storage),
            "responses": schemas.responses(),
            "schemas": {**others["schemas"], **schemas.SCHEMAS},
        },
    }


def page(found: dict[str, Any]) -> bytes:
    """The definition as a page: every address with its parameters."""
    parts = []
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            names = [
                p["$ref"].rsplit("/", 1)[-1] if "$ref" in p else p["name"]
                for p in operation.get("parameters", ())
            ]
            about = {"": operation.get("summary", ""), "参数 Parameters": names}
            parts.append(pages.section(f"{method.upper()} {path}", about))
    return pages.page(f"{found['info']['title']} – API", parts)


def _paths() -> dict[str, Any]:
    return {
        "/": _get("getLandingPage", "首页 Landing page", "LandingPage", DOCUMENT),
        "/conformance": _get("getConformance", "符合性 Conformance", "Conformance", DOCUMENT),
        "/api": _get("getApi", "接口定义 API definition", "Any", (OPENAPI, HTML)),
        "/collections": _get("getCollections", "要素集 Collections", "Collections", DOCUMENT),
        _COLLECTION: _get(
            "describeCollection", "一个要素集 One collection", "Collection", DOCUMENT,
            ("collectionId",),
        ),
        f"{_COLLECTION}/queryables": _get(
            "getQueryables", "可查询属性 Queryables", "Any", SCHEMAS, ("collectionId",)
        ),
        f"{_COLLECTION}/schema": _get(
            "getSchema", "属性结构 Schema", "Any", SCHEMAS, ("collectionId",)
        ),
        f"{_COLLECTION}/items": _get(
            "getFeatures", "要素 Features", "FeatureCollection", ITEMS,
            ("collectionId", *ITEMS_PARAMETERS[1:]),
        ),
        f"{_COLLECTION}/items/{{featureId}}": _get(
            "getFeature", "一个要素 One feature", "Feature", ITEM,
            ("collectionId", "featureId", *ITEM_PARAMETERS[1:]),
        ),
    }  # fmt: skip


def _get(
    operation: str,
    summary: str,
    schema: str,
    formats: tuple[Format, ...],
    parameters: tuple[str, ...] = (),
) -> dict[str, Any]:
    content = {
        f.media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}
        if "json" in f.media and "seq" not in f.media
        else {"schema": {**_TEXT, **({} if f.media.startswith("text/") else {"format": "binary"})}}
        for f in formats
    }
    names = [f.name for f in formats]
    f_parameter = {
        "name": "f",
        "in": "query",
        "description": "表示形式，优先于 Accept 头 Representation, before the Accept header",
        "schema": {**_TEXT, "enum": names},
        "style": "form",
        "explode": False,
    }
    answers = {"200": {"description": summary, "content": content}}
    for status, name in schemas.STATUSES.items():
        if status != "404" or parameters:
            answers[status] = {"$ref": f"#/components/responses/{name}"}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "tags": ["features"],
            "parameters": [
                *({"$ref": f"#/components/parameters/{name}"} for name in parameters),
                f_parameter,
            ],
            "responses": answers,
        }
    }


def _parameters(twin: TwinDefinition, storage: StorageCrs) -> dict[str, Any]:
    crs = {**_TEXT, "format": "uri", "enum": list(offered(storage)), "default": CRS84}
    return {
        "collectionId": _path("collectionId", {**_TEXT, "enum": list(of_twin(twin))},
                              "要素集 Collection"),
        "featureId": _path("featureId", {**_TEXT, "format": "uuid"}, "要素 Feature"),
        "limit": _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT,
                                  "default": DEFAULT_LIMIT},
                        "要素个数；流式格式省略时返回全部 Number of features; formats that are "
                        "streamed give all where it is left out"),
        "bbox": {
            **_query("bbox", {"type": "array", "minItems": 4, "maxItems": 6,
                              "items": {"type": "number"},
                              "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)]},
                     "范围：西,南,东,北，带高程为 6 个数 West,south,east,north; with heights 6 "
                     "numbers"),
        },
        "bbox-crs": _query("bbox-crs", crs, "bbox 的坐标系 CRS of bbox"),
        "crs": _query("crs", crs, "结果坐标系 CRS of the answer"),
        "datetime": _query("datetime", {**_TEXT, "pattern": PERIOD},
                           "城市时间：时刻、日期或区间；默认现在 "
                           "Moment, day or period in the city; default is now"),
        "as-of": _query("as-of", {**_TEXT, "pattern": f"^{MOMENT}$"},
                        "记录时间：当时掌握的数据 Record time: what was held then"),
        "filter": _query("filter", _TEXT, "CQL2 条件 CQL2 condition"),
        "filter-lang": _query("filter-lang", {**_TEXT, "enum": ["cql2-text", "cql2-json"],
                                              "default": "cql2-text"},
                              "条件语言 Language of the filter"),
        "filter-crs": _query("filter-crs", crs, "条件中几何的坐标系 CRS of its geometries"),
        "sortby": _query("sortby", {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 4},
                         "排序属性，- 为降序 Properties to sort by, - for falling"),
        "properties": _query("properties", {"type": "array", "items": _TEXT},
                             "只返回这些属性 Only these properties"),
        "counts": _query("counts", {"type": "boolean", "default": False},
                         "是否给出 numberMatched（较慢）Whether to count all that match (slower)"),
        "next": _query("next", _TEXT, "上一页给出的翻页标记 Token from the page before"),
    }  # fmt: skip


def _query(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": about,
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": False,
    }


def _path(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "description": about, "required": True, "schema": schema}


def _others(request: Request) -> dict[str, Any]:
    """Paths of other parts below the landing page, without the twin, and the schemas they use."""
    whole = openapi.document(request.app)
    paths = {}
    for path, operations in whole["paths"].items():
        if not path.startswith(f"{_PREFIX}/"):
            continue
        own = copy.deepcopy(operations)
        for operation in own.values():
            operation["parameters"] = [
                p for p in operation.get("parameters", ()) if p.get("name") != "twin"
            ]
        paths[path.removeprefix(_PREFIX)] = own
    return {"paths": paths, "schemas": whole["components"]["schemas"] if paths else {}}
