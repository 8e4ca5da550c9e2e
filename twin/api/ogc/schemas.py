"""Schemas and responses of the API definition (OpenAPI 3.0.3)."""

from __future__ import annotations

from typing import Any, Final

from twin.api import openapi

_TEXT: Final = {"type": "string"}
_NUMBERS: Final = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
_LINKS: Final = {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    needed = {"required": required} if required else {}  # OpenAPI 3.0 allows no empty list
    return {"type": "object", **needed, "properties": properties}


SCHEMAS: Final[dict[str, Any]] = {
    "Any": {"type": "object"},
    "Link": _object(["href", "rel"], href=_TEXT, rel=_TEXT, type=_TEXT, title=_TEXT),
    "LandingPage": _object(["links"], title=_TEXT, description=_TEXT, links=_LINKS),
    "Conformance": _object(["conformsTo"], conformsTo={"type": "array", "items": _TEXT}),
    "Collections": _object(
        ["links", "collections"],
        links=_LINKS,
        crs={"type": "array", "items": _TEXT},
        collections={"type": "array", "items": {"$ref": "#/components/schemas/Collection"}},
    ),
    "Collection": _object(
        ["id", "links"],
        id=_TEXT,
        title=_TEXT,
        description=_TEXT,
        itemType=_TEXT,
        crs={"type": "array", "items": _TEXT},
        storageCrs=_TEXT,
        storageCrsCoordinateEpoch={"type": "number"},
        extent=_object(
            [],
            spatial=_object([], bbox={"type": "array", "minItems": 1, "items": _NUMBERS}),
            temporal={"type": "object"},
        ),
        links=_LINKS,
    ),
    "Feature": _object(
        ["type", "geometry", "properties", "id"],
        type={**_TEXT, "enum": ["Feature"]},
        id=_TEXT,
        geometry={"type": "object", "nullable": True},
        properties={"type": "object", "nullable": True},
        links=_LINKS,
    ),
    "FeatureCollection": _object(
        ["type", "features"],
        type={**_TEXT, "enum": ["FeatureCollection"]},
        features={"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
        links=_LINKS,
        timeStamp={**_TEXT, "format": "date-time"},
        numberMatched={"type": "integer", "minimum": 0},
        numberReturned={"type": "integer", "minimum": 0},
    ),
    "Problem": openapi.PROBLEM,
}

#: Status -> name of the response that tells a problem (RFC 9457).
STATUSES: Final = {
    "400": "BadRequest",
    "404": "NotFound",
    "406": "NotAcceptable",
    "503": "Unavailable",
}
_TITLES: Final = {
    "BadRequest": "参数有误或未知 Bad or unknown parameter",
    "NotFound": "不存在 Not there",
    "NotAcceptable": "没有所求的表示形式 No such representation",
    "Unavailable": "数据库不可用或查询超时 No database, or the query took too long",
}


def responses() -> dict[str, Any]:
    """The responses that :data:`STATUSES` names."""
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    found: dict[str, Any] = {
        name: {"description": title, "content": {"application/problem+json": problem}}
        for name, title in _TITLES.items()
    }
    found["Unavailable"]["headers"] = {
        "Retry-After": {"description": "秒 Seconds", "schema": {"type": "integer"}}
    }
    return found
