"""What the API definition says of the catalogue's addresses (OpenAPI 3.0.3)."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Response

from twin.api.ogc.crs import CRS84
from twin.api.ogc.formats import Format
from twin.api.ogc.parameter_schemas import query
from twin.api.ogc.parameters import LARGEST_LIMIT
from twin.api.ogc.patterns import PAGE, PERIOD, filter_pattern
from twin.api.records.search import DEFAULT_LIMIT, QUERYABLES, SORTABLES

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_CRS: Final = {**_TEXT, "format": "uri", "enum": [CRS84], "default": CRS84}


SEARCH: Final = (
    query("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT,
                     "default": DEFAULT_LIMIT}, "记录个数 Number of records"),
    query("bbox", {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"},
                    "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)]},
           "范围：西,南,东,北 West,south,east,north; heights of 6 numbers are not looked at"),
    query("bbox-crs", _CRS, "bbox 的坐标系 CRS of bbox"),
    query("crs", _CRS, "结果坐标系 CRS of the answer"),
    query("datetime", {**_TEXT, "pattern": PERIOD}, "时间 Moment, day or period in the city"),
    query("q", {"type": "array", "minItems": 1, "maxItems": 4, "items": {
        **_TEXT, "pattern": "^[0-9A-Za-z\u4e00-\u9fa5]{1,40}$"}},
        "关键词，逗号为“或” Words; a comma is an or"),
    query("type", _TEXTS, "资源类型 Types of resources: dataset"),
    query("ids", _TEXTS, "记录标识 Ids of records"),
    query("externalIds", _TEXTS, "数据集名称 Names of datasets"),
    query("sortby", {"type": "array", "minItems": 1, "maxItems": 4,
        "items": {**_TEXT, "enum": [*SORTABLES, *(f"-{n}" for n in SORTABLES)]}},
        "排序属性，- 为降序 Properties to sort by, - for falling"),
    query("filter", {**_TEXT, "pattern": filter_pattern(QUERYABLES)},
           "CQL2 条件 CQL2 condition"),
    query("filter-lang", {**_TEXT, "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"},
           "条件语言 Language of the filter"),
    query("filter-crs", _CRS, "条件中几何的坐标系 CRS of its geometries"),
    query("next", {**_TEXT, "pattern": PAGE}, "上一页给出的翻页标记 Token from the page before"),
)  # fmt: skip


def operation(
    name: str,
    summary: str,
    formats: tuple[Format, ...],
    parameters: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """Keywords for a route: its documented parameters and answers."""
    names = [one.name for one in formats]
    chosen = query("f", {**_TEXT, "enum": names}, "表示形式 Representation, before Accept")
    content = {
        one.media: {"schema": {"type": "object"} if "json" in one.media else _TEXT}
        for one in formats
    }
    return {
        "operation_id": name,
        "summary": summary,
        "response_class": Response,
        "openapi_extra": {"parameters": [*parameters, chosen]},
        "responses": {
            200: {"description": summary, "content": content},
            400: {"description": "参数有误或未知 Bad or unknown parameter", "content": _PROBLEM},
            404: {"description": "不存在 Not there", "content": _PROBLEM},
            406: {"description": "没有所求的表示形式 No such representation", "content": _PROBLEM},
            503: {"description": "数据库不可用 No database", "content": _PROBLEM},
        },
    }
