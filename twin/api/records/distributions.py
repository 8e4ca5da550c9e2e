"""What a dataset can be had as: formats, services, tiles and original files, as links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from models.crs import StorageCrs
from models.db.entries import Entry, Lineage
from models.features import THEME_TABLES, Theme
from models.licences import LicenceKind, read_licence
from models.twins import TwinDefinition
from twin.api.ogc.collections import COLLECTIONS
from twin.api.ogc.formats import GEOJSON, HTML
from twin.api.ogc.links import address, link

#: The id of the catalogue among the collections.
CATALOGUE: Final = "datasets"
PROFILE: Final = "http://www.opengis.net/def/profile/OGC/0/ogc-record"
_TILESETS: Final = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
_3DTILES: Final = "application/json+3dtiles"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is read: ``root`` of the service, its ``base`` landing page, ``tiled`` layers,
    ``open`` ids of files that anyone may have."""

    root: str
    base: str
    storage: StorageCrs
    tiled: frozenset[str]
    open: frozenset[str]


def formats(entry: Entry, place: Place) -> list[dict[str, str]]:
    """Formats by name and media type."""
    found = []
    if _collections(entry):
        found += [
            {"name": "GeoJSON", "mediaType": GEOJSON.media},
            {"name": "JSON-FG", "mediaType": "application/vnd.ogc.fg+json"},
            {"name": "CSV", "mediaType": "text/csv"},
            {"name": "FlatGeobuf", "mediaType": "application/flatgeobuf"},
            {"name": "GeoParquet", "mediaType": "application/vnd.apache.parquet"},
            {"name": "Mapbox Vector Tiles", "mediaType": "application/vnd.mapbox-vector-tile"},
        ]
    if entry.theme in place.tiled:
        found.append(
            {"name": "quantized-mesh", "mediaType": "application/vnd.quantized-mesh"}
            if entry.theme == "terrain"
            else {"name": "3D Tiles 1.1", "mediaType": _3DTILES}
        )
    return found


def links(
    entry: Entry, lineage: Lineage, twin: TwinDefinition, place: Place
) -> list[dict[str, Any]]:
    """Links of the record: its representations, licence, services and open originals."""
    here = f"{place.base}/collections/{CATALOGUE}"
    own = f"{here}/items/{entry.id(twin.id)}"
    found: list[dict[str, Any]] = [
        link("self", f"{own}?f=json", GEOJSON.media, "本记录 This record"),
        link("alternate", f"{own}?f=html", HTML.media, "网页 The same as HTML"),
        link("collection", here, "application/ogc-catalog+json", "数据目录 Catalogue"),
        link("profile", PROFILE, None, "OGC API – Records"),
        link("profile", "http://www.opengis.net/def/profile/OGC/0/ogc-catalog", None, "OGC"),
    ]
    if entry.licence is not None:
        licence = read_licence(entry.licence)
        if licence.kind is LicenceKind.ADDRESS:
            found.append(link("license", licence.value, None, "许可 Licence"))
        else:
            text = f"{place.root}/twins/{twin.id}/datasets/{entry.id(twin.id)}/licence"
            found.append(link("license", text, "text/plain", "许可 Licence"))
    quoted = entry.name.replace("'", "''")
    for one in _collections(entry):
        items = f"{place.base}/collections/{one}/items"
        where = {"filter": f"dataset = '{quoted}'"}
        about = f"要素 Features: {COLLECTIONS[one].title}"
        found.append(link("items", address(items, where), GEOJSON.media, about))
        vectors = f"{place.base}/collections/{one}/tiles"
        found.append(link(_TILESETS, vectors, "application/json", "矢量瓦片 Vector tiles"))
    if entry.theme in place.tiled:
        found.append(_tileset(entry, twin, place))
    if entry.theme in set(Theme):
        asks = f"{place.root}/twins/{twin.id}/analyses"
        found.append(link("related", asks, "application/json", "分析 Analyses"))
    if lineage.deliveries:
        found += [
            {
                **link("enclosure", original(place, twin, file["id"]),
                       "application/octet-stream", file["name"]),
                "length": file["size"],
            }
            for file in lineage.deliveries[0]["files"]
            if file["id"] in place.open
        ]  # fmt: skip
    return found


def original(place: Place, twin: TwinDefinition, file: str) -> str:
    """The address of a delivered file."""
    return f"{place.root}/twins/{twin.id}/originals/{file}"


def _collections(entry: Entry) -> list[str]:
    if entry.theme not in set(Theme):
        return []
    tables = THEME_TABLES[Theme(entry.theme)]
    return [id_ for id_, one in COLLECTIONS.items() if one.table in tables]


def _tileset(entry: Entry, twin: TwinDefinition, place: Place) -> dict[str, str]:
    if entry.theme == "terrain":
        href = f"{place.root}/terrain/{twin.id}/layer.json"
        return link("related", href, "application/json", "地形 Terrain (quantized-mesh)")
    href = f"{place.root}/tiles/{twin.id}/{entry.theme}/tileset.json"
    return link("related", href, _3DTILES, "三维瓦片 3D Tiles 1.1")
