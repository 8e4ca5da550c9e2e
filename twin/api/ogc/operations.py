"""What the API definition says of the addresses of features: their parameters and answers."""

from __future__ import annotations

from typing import Any, Final

from models.twins import TwinDefinition
from twin.api.ogc import schemas
from twin.api.ogc.collections import of_twin
from twin.api.ogc.formats import DOCUMENT, HTML, ITEM, ITEMS, OPENAPI, SCHEMAS, Format
from twin.api.ogc.parameter_schemas import OF_COLLECTION
from twin.api.ogc.parameters import ITEM as ITEM_PARAMETERS
from twin.api.ogc.parameters import ITEMS as ITEMS_PARAMETERS

_TEXT: Final = {"type": "string"}
_COLLECTION: Final = "/collections/{collectionId}"


def paths(twin: TwinDefinition) -> dict[str, Any]:
    """The paths of features, below the landing page."""
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
        **_items(twin),
    }  # fmt: skip


def _items(twin: TwinDefinition) -> dict[str, Any]:
    """Features of each collection: what a filter or order may name differs between them."""
    paths = {}
    for one in of_twin(twin).values():

        def named(parameters: tuple[str, ...], of: str = one.id) -> tuple[str, ...]:
            return tuple(f"{n}.{of}" if n in OF_COLLECTION else n for n in parameters)

        here = f"/collections/{one.id}/items"
        paths[here] = _get(
            f"getFeatures.{one.id}", f"要素 Features: {one.title}", "FeatureCollection", ITEMS,
            named(ITEMS_PARAMETERS[1:]),
        )  # fmt: skip
        paths[f"{here}/{{featureId}}"] = _get(
            f"getFeature.{one.id}", f"一个要素 One feature: {one.title}", "Feature", ITEM,
            ("featureId", *named(ITEM_PARAMETERS[1:])),
        )  # fmt: skip
    return paths


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
