"""Documents about tiles: tile matrix sets, tilesets (OGC 17-083r4) and TileJSON 3.0."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from models.crs import StorageCrs
from models.db.mvt_layers import VECTOR_LAYERS
from models.db.mvt_moments import MOST
from models.labels import labels
from models.mvt.grid import CELLS, DEEPEST, PIXEL, TileMatrixSet, frame, to_degrees
from twin.api.mvt.tileset import Holding, Tileset
from twin.api.ogc.collections import Collection

MVT: Final = "application/vnd.mapbox-vector-tile"
JSON: Final = "application/json"
REL: Final = "http://www.opengis.net/def/rel/ogc/1.0"
_CRS: Final = "http://www.opengis.net/def/crs/EPSG/0"
_CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_DIMENSION: Final = {"point": 0, "line": 1, "polygon": 2}
#: Titles of the properties that only overviews have.
_EXTRA: Final = {
    "count": "要素个数 Number of features that this stands for",
    "length": "总长 (m) Sum of their lengths",
    "area": "总面积 (m²) Sum of their areas",
}


def link(href: str, rel: str, media: str = JSON, title: str = "", **more: Any) -> dict[str, Any]:
    """A link object (OGC API – Common)."""
    return {"href": href, "rel": rel, "type": media, **({"title": title} if title else {}), **more}


def matrix_set_uri(tms: TileMatrixSet, base: str) -> str:
    """The registered URI, or our own definition where there is none."""
    return tms.uri or f"{base}/tileMatrixSets/{tms.id}"


def matrix_set_item(tms: TileMatrixSet, base: str) -> dict[str, Any]:
    """An entry of the list of tile matrix sets (17-083r4, clause 7.1)."""
    return {
        "id": tms.id,
        "title": f"{tms.title_zh} {tms.title_en}",
        "uri": matrix_set_uri(tms, base),
        "crs": f"{_CRS}/{tms.srid}",
        "links": [link(f"{base}/tileMatrixSets/{tms.id}", "self")],
    }


def matrix_set(tms: TileMatrixSet, base: str) -> dict[str, Any]:
    """The definition of a tile matrix set (17-083r4, annex B): coordinates in the CRS's own axis
    order."""
    corner = list(tms.origin[::-1] if tms.northing_first else tms.origin)
    return {
        "id": tms.id,
        "title": f"{tms.title_zh} {tms.title_en}",
        "uri": matrix_set_uri(tms, base),
        "crs": f"{_CRS}/{tms.srid}",
        "orderedAxes": list(tms.axes),
        **({"wellKnownScaleSet": _well_known(tms)} if tms.uri else {}),
        "tileMatrices": [
            {
                "id": str(zoom),
                "scaleDenominator": tms.cell(zoom) / PIXEL,
                "cellSize": tms.cell(zoom),
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": corner,
                "tileWidth": CELLS,
                "tileHeight": CELLS,
                "matrixWidth": 2**zoom,
                "matrixHeight": 2**zoom,
            }
            for zoom in range(DEEPEST + 1)
        ],
    }


def _well_known(tms: TileMatrixSet) -> str:
    return "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible"


def tileset_item(tiles: Tileset, title: str, href: str, base: str) -> dict[str, Any]:
    """An entry of a list of tilesets (20-057, requirement /req/tilesets-list/tileset-links), with
    the limits that the standard's tests look for there."""
    tms = tiles.tms
    asked = _asked(tiles)
    return {
        "title": f"{title} — {tms.id}",
        "dataType": "vector",
        "crs": f"{_CRS}/{tms.srid}",
        "tileMatrixSetId": tms.id,
        "tileMatrixSetURI": matrix_set_uri(tms, base),
        "tileMatrixSetLimits": [
            {
                "tileMatrix": str(zoom),
                "minTileRow": limits[0],
                "maxTileRow": limits[1],
                "minTileCol": limits[2],
                "maxTileCol": limits[3],
            }
            for zoom in range(tiles.first_zoom, DEEPEST + 1)
            if (limits := tiles.limits(zoom)) is not None
        ],
        "links": [
            link(f"{href}/{tms.id}{asked}", "self", title=title),
            link(f"{base}/tileMatrixSets/{tms.id}", f"{REL}/tiling-scheme"),
            link(f"{href}/{tms.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}{asked}", "item", MVT)
            | {"templated": True},
        ],
    }


def _asked(tiles: Tileset, **more: str) -> str:
    """The query that asks for the same moments."""
    given = {**tiles.asked, **more}
    return f"?{urlencode(given)}" if given else ""


def tileset(
    tiles: Tileset, title: str, href: str, base: str, storage: StorageCrs
) -> dict[str, Any]:
    """Tileset metadata (17-083r4, clause 8) with what is drawn at which level."""
    tms = tiles.tms
    out = {
        **tileset_item(tiles, title, href, base),
        "description": _about(tiles),
        "version": tiles.version,
        "layers": [_layer(holding, tiles) for holding in tiles.holdings],
    }
    out["links"] += [
        link(f"{href}/{tms.id}/tilejson{_asked(tiles)}", "describedby", JSON, "TileJSON"),
    ]
    degrees = _degrees(tiles, storage)
    if degrees is not None:
        west, south, east, north = degrees
        out["boundingBox"] = {
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": _CRS84,
        }
        out["centerPoint"] = {
            "coordinates": [(west + east) / 2, (south + north) / 2],
            "crs": _CRS84,
            "tileMatrix": str(min(tiles.first_zoom + 3, DEEPEST)),
        }
    return out


def tile_json(tiles: Tileset, title: str, href: str, storage: StorageCrs) -> dict[str, Any]:
    """TileJSON 3.0.0. Its addresses carry the version, so that tiles may be cached for ever."""
    template = f"{href}/{tiles.tms.id}/{{z}}/{{y}}/{{x}}{_asked(tiles, v=tiles.version)}"
    degrees = _degrees(tiles, storage)
    return {
        "tilejson": "3.0.0",
        "name": title,
        "description": _about(tiles),
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": tiles.first_zoom,
        "maxzoom": DEEPEST,
        **({"bounds": list(degrees)} if degrees else {}),
        "vector_layers": [
            {
                "id": h.collection.id,
                "description": h.collection.title,
                "minzoom": tiles.first_zoom,
                "maxzoom": DEEPEST,
                "fields": {
                    name: {"string": "String", "integer": "Number", "number": "Number"}[kind]
                    for name, kind in VECTOR_LAYERS[h.collection.table].fields.items()
                },
            }
            for h in tiles.holdings
        ],
    }


def _about(tiles: Tileset) -> str:
    if any(h.past for h in tiles.holdings):
        return (
            f"另一时刻的要素：每个瓦片至多绘制最大的 {MOST} 个。 "
            f"Features of another moment: a tile shows at most the {MOST:,} largest of them."
        )
    if not tiles.whole:
        return (
            "部分数据集尚无概览：要素过多的瓦片只绘制最大的 2500 个；运行 `twin tile` 后即完整。 "
            "Some datasets have no overview yet: a tile that holds too many features shows the "
            "2,500 largest of them. `twin tile` makes the overviews."
        )
    return (
        f"级别 {tiles.raw_zoom} 起逐个绘制要素；以下各级为概览：同类管线合并为网格线，"
        "小于一个网格的建筑合并为等面积方块，点按网格聚合，count 为所代表的要素个数，无要素遗漏。"
        "超过 500 kB 的瓦片只绘制其中最大的部分。 "
        f"From level {tiles.raw_zoom} on every feature is drawn itself. Above that level overviews "
        "stand for them: lines of a class merged on a grid, areas smaller than a cell as squares "
        "of their summed area, points clustered; `count` tells how many features each stands for, "
        "and none is left out. A tile that would have more than 500 kB draws only the largest."
    )


def _layer(holding: Holding, tiles: Tileset) -> dict[str, Any]:
    collection = holding.collection
    layer = VECTOR_LAYERS[collection.table]
    words = labels(collection.table)
    properties = {}
    for name, kind in layer.fields.items():
        word = words.get(name)
        title = _EXTRA.get(name) or (f"{word['zh']} {word['en']}" if word else name)
        properties[name] = {"type": kind, "title": title}
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "dataType": "vector",
        "geometryDimension": _DIMENSION[layer.geometry],
        "minTileMatrix": str(tiles.first_zoom),
        "maxTileMatrix": str(DEEPEST),
        "propertiesSchema": {"type": "object", "properties": properties},
        "featureCount": holding.features,
    }


def _degrees(tiles: Tileset, storage: StorageCrs) -> tuple[float, float, float, float] | None:
    if tiles.extent is None:
        return None
    lon, lat = to_degrees(tiles.tms, frame(tiles.extent), storage)
    found = np.round([lon.min(), lat.min(), lon.max(), lat.max()], 7).tolist()
    return found[0], found[1], found[2], found[3]


def collection_title(collection: Collection) -> str:
    """Title of a collection's tiles."""
    return f"{collection.zh}矢量瓦片 Vector tiles of {collection.en.lower()}"
