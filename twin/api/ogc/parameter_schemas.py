"""What the API definition says of the parameters that :mod:`twin.api.ogc.parameters` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from models.crs import StorageCrs
from twin.api.ogc.collections import Collection
from twin.api.ogc.crs import CRS84, offered
from twin.api.ogc.parameters import (
    DEFAULT_LIMIT,
    LARGEST_LIMIT,
    MOST_KEYS,
    MOST_LIMIT,
    sortable,
)
from twin.api.ogc.patterns import MOMENT, PAGE, PERIOD, filter_pattern

_TEXT: Final = {"type": "string"}
#: How boxes are read (models.cql2.geometry.box_parts).
_CORNERS: Final = (
    "Opposite corners of a box come in either order; of degrees a west greater than the east lies "
    "across the 180th meridian"
)
_CORNERS_ZH: Final = "两个对角点次序不限；经度西大于东时跨 180° 经线"
#: Parameters whose values depend on the properties of a collection.
OF_COLLECTION: Final = ("filter", "sortby", "properties")


def parameters(collections: Sequence[Collection], storage: StorageCrs) -> dict[str, Any]:
    """The parameters by the names that operations refer to; ``collections`` have the attributes
    that were found in their data."""
    crs = {**_TEXT, "format": "uri", "enum": list(offered(storage)), "default": CRS84}
    return {
        "collectionId": _path("collectionId", {**_TEXT, "enum": [c.id for c in collections]},
                              "要素集 Collection"),
        "featureId": _path("featureId", {**_TEXT, "format": "uuid"}, "要素 Feature"),
        "limit": query("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT,
                                  "default": DEFAULT_LIMIT},
                        f"要素个数，每页至多 {MOST_LIMIT} 个；流式格式不分页，省略时返回全部 "
                        f"Number of features; a page holds at most {MOST_LIMIT}; formats that are "
                        "streamed have no pages and give all where it is left out"),
        "bbox": {
            **query("bbox", {"type": "array", "minItems": 4, "maxItems": 6,
                              "items": {"type": "number"},
                              "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)]},
                     "范围：西,南,东,北；带高程为 6 个数：西,南,低,东,北,高，高程为大地高，"
                     f"bbox-crs 为存储坐标系时为 1985 国家高程；{_CORNERS_ZH} West,south,east,"
                     "north; with heights 6 numbers: west,south,lowest,east,north,highest. These "
                     "are above the ellipsoid, and 1985 heights with the storage CRS as bbox-crs. "
                     f"{_CORNERS}"),
        },
        "bbox-crs": query("bbox-crs", crs, "bbox 的坐标系 CRS of bbox"),
        "crs": query("crs", crs,
                      "结果坐标系；CRS84h 等带高程的坐标系给出大地高；存储坐标系下 FlatGeobuf "
                      "与 GeoParquet 含 1985 国家高程，GeoJSON 与 CSV 只有平面坐标 "
                      "CRS of the answer. One with a third axis (CRS84h) gives heights above the "
                      "ellipsoid; in the storage CRS "
                      "FlatGeobuf and GeoParquet hold 1985 heights, GeoJSON and CSV none"),
        "datetime": query("datetime", {**_TEXT, "pattern": PERIOD},
                           "城市时间：时刻、日期或区间；默认现在 "
                           "Moment, day or period in the city; default is now"),
        "as-of": query("as-of", {**_TEXT, "pattern": f"^{MOMENT}$"},
                        "记录时间：当时掌握的数据 Record time: what was held then"),
        "filter-lang": query("filter-lang", {**_TEXT, "enum": ["cql2-text", "cql2-json"],
                                              "default": "cql2-text"},
                              "条件语言 Language of the filter"),
        "filter-crs": query("filter-crs", crs,
                             f"条件中几何（含 BBOX）的坐标系、轴序与单位；{_CORNERS_ZH} CRS of its "
                             f"geometries, BBOX too, with its axes and unit. {_CORNERS}"),
        "counts": query("counts", {"type": "boolean", "default": False},
                         "是否给出 numberMatched（较慢）Whether to count all that match (slower)"),
        "next": query("next", {**_TEXT, "pattern": PAGE},
                       "上一页给出的翻页标记 Token from the page before"),
        **{
            f"{name}.{one.id}": parameter
            for one in collections
            for name, parameter in _of_collection(one).items()
        },
    }  # fmt: skip


def _of_collection(one: Collection) -> dict[str, Any]:
    """The parameters of :data:`OF_COLLECTION`."""
    # a comma separates names, and space about them is left out
    keys = [n for n in sortable(one) if n == n.strip().lstrip("+-") and "," not in n]
    orders = [sign + name for sign in ("", "-", "+") for name in keys]
    return {
        "filter": query("filter", {**_TEXT, "pattern": filter_pattern(one.queryables)},
                         "CQL2 条件；模式仅列最常用的形式，CQL2 文本与 JSON 的其余形式亦可用 "
                         "CQL2 condition. The pattern has the forms that are used most; all others "
                         "that /conformance names, in text and JSON, are taken too"),
        "sortby": query("sortby", {"type": "array", "minItems": 1, "maxItems": MOST_KEYS,
                                    "items": {**_TEXT, "enum": orders}},
                         "排序属性，- 为降序 Properties to sort by, - for falling"),
        "properties": query("properties",
                             {"type": "array", "items": {**_TEXT, "enum": ["", *one.fields]}},
                             "只返回这些属性，空则全不返回 Only these; empty for none"),
    }  # fmt: skip


def query(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    """A query parameter; a list is separated by commas."""
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
