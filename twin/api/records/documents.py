"""The catalogue as a collection, its queryables and sortables, and the links that lead to it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from models.cql2.tree import Kind
from models.twins import TwinDefinition
from twin.api.ogc.crs import CRS84
from twin.api.ogc.formats import GEOJSON, HTML, JSON, SCHEMA, Format
from twin.api.ogc.links import link, representations
from twin.api.ogc.times import temporal
from twin.api.records.distributions import CATALOGUE
from twin.api.records.search import QUERYABLES, SORTABLES

_CLASSES: Final = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf"
_OGC: Final = "http://www.opengis.net/def/rel/ogc/1.0"
_PROFILE: Final = "http://www.opengis.net/def/profile/OGC/0/ogc-catalog"

#: Conformance classes of OGC 20-004r1 that are held to.
CONFORMANCE: Final = tuple(
    f"{_CLASSES}/{name}"
    for name in (
        "record-core", "record-collection", "record-core-query-parameters", "records-api",
        "searchable-catalog", "searchable-catalog-sorting", "searchable-catalog-filtering",
        "sorting", "record-filter", "json", "html", "oas30",
    )
)  # fmt: skip
CATALOG: Final = Format(
    "catalog", "application/ogc-catalog+json", "数据目录 JSON", "catalogue JSON"
)
#: The first is what a client gets that has no wish.
CATALOGUE_FORMATS: Final = (CATALOG, JSON, HTML)
RECORDS: Final = (GEOJSON, HTML)
TITLE: Final = "数据集目录 Catalogue of datasets"
_DESCRIPTION: Final = (
    "孪生体全部数据集：来源与版本、精度、许可、时空范围、要素数、服务链接与原始文件。"
    "All datasets of the twin: lineage and revisions, accuracy, licence, extent in space and time, "
    "number of features, services, original files."
)
#: Titles of the queryables, Chinese and English.
_TITLES: Final = {
    "id": "标识 Id",
    "type": "类型 Type",
    "title": "标题 Title",
    "description": "说明 Description",
    "keywords": "关键词 Keywords",
    "name": "名称 Name",
    "theme": "主题 Theme",
    "organisation": "提交单位 Organisation",
    "license": "许可 Licence",
    "visibility": "原始文件 Originals: open, restricted",
    "features": "要素数 Features",
    "accuracy": "声明精度（米） Declared accuracy, m",
    "created": "建立 Created",
    "updated": "更新 Updated",
    "valid_from": "有效起始 Valid from",
    "horizontal": "平面坐标系 Horizontal CRS",
    "vertical": "高程基准 Vertical datum",
    "geometry": "范围 Extent",
}
_SCHEMAS: Final[dict[Kind, dict[str, Any]]] = {
    Kind.TEXT: {"type": "string"},
    Kind.NUMBER: {"type": "number"},
    Kind.TIMESTAMP: {"type": "string", "format": "date-time"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.GEOMETRY: {"format": "geometry-polygon"},
}


def landing_links(base: str) -> list[dict[str, str]]:
    """The link by which catalogues are found (/req/autodiscovery/links)."""
    items = f"{base}/collections/{CATALOGUE}/items"
    return [link(f"{_OGC}/ogc-catalog", items, GEOJSON.media, TITLE)]


def catalogue(
    base: str, twin: TwinDefinition, since: dt.datetime | None, current: Format | None
) -> dict[str, Any]:
    """The catalogue as a collection at ``base``, which tells of what was so ``since`` then; within
    the list of all ``current`` is None."""
    here = f"{base}/collections/{CATALOGUE}"
    return {
        "id": CATALOGUE,
        "type": "Collection",
        "itemType": "record",
        "title": f"{TITLE} – {twin.name_zh} {twin.name_en}",
        "description": _DESCRIPTION,
        "language": {"code": "zh"},
        "languages": [{"code": "zh"}, {"code": "en"}],
        "defaultSortOrder": [{"field": "name", "direction": "asc"}],
        "extent": {
            "spatial": {"bbox": [list(twin.extent)], "crs": CRS84},
            "temporal": temporal(since),
        },
        "crs": [CRS84],
        "storageCrs": CRS84,
        "links": [
            *(
                [link("self", here, JSON.media, TITLE)]
                if current is None
                else representations(here, {}, current, CATALOGUE_FORMATS)
            ),
            *(
                link("items", f"{here}/items?f={one.name}", one.media, f"记录 Records ({one.en})")
                for one in RECORDS
            ),
            link(f"{_OGC}/queryables", f"{here}/queryables", SCHEMA.media, "可查询 Queryables"),
            link(f"{_OGC}/sortables", f"{here}/sortables", SCHEMA.media, "可排序 Sortables"),
            *([] if current is None else [link("profile", _PROFILE, None, "OGC API – Records")]),
        ],
    }


def queryables(base: str) -> dict[str, Any]:
    """What a filter may name (OGC 19-079r2 section 6.2)."""
    return _named(base, "queryables", tuple(QUERYABLES))


def sortables(base: str) -> dict[str, Any]:
    """What ``sortby`` may name (/req/sorting/get-sortables-success)."""
    return _named(base, "sortables", SORTABLES)


def _named(base: str, which: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$id": f"{base}/collections/{CATALOGUE}/{which}",
        "type": "object",
        "title": TITLE,
        "additionalProperties": False,
        "properties": {n: {**_SCHEMAS[QUERYABLES[n]], "title": _TITLES[n]} for n in names},
    }
