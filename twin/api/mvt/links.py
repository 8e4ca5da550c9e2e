"""What landing page, conformance declaration and collections say of vector tiles and 3D content."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request

from twin.api.mvt.documents import REL, link

_TILES: Final = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
_TMS: Final = "http://www.opengis.net/spec/tms/2.0/conf"

#: Conformance classes (20-057 and 17-083r4).
CONFORMANCE: Final = (
    *(
        f"{_TILES}/{name}"
        for name in (
            "core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "datetime",
            "mvt", "oas30",
        )
    ),
    f"{_TMS}/tilematrixset",
    f"{_TMS}/json-tilematrixset",
    f"{_TMS}/tilesetmetadata",
    f"{_TMS}/json-tilesetmetadata",
)  # fmt: skip


def base_of(request: Request, twin: str) -> str:
    """Absolute address of a twin's landing page, without a slash at its end."""
    return f"{str(request.base_url).rstrip('/')}/ogc/{twin}"


def landing_links(base: str) -> list[dict[str, Any]]:
    """Links of the landing page at ``base``."""
    return [
        link(f"{base}/tiles", f"{REL}/tilesets-vector", title="矢量瓦片 Vector tiles"),
        link(
            f"{base}/tileMatrixSets", f"{REL}/tiling-schemes", title="瓦片矩阵集 Tile matrix sets"
        ),
        link(f"{base}/styles", f"{REL}/styles", title="样式 Styles"),
        link(f"{base}/collections3d", "related", title="三维内容 3D content (GeoVolumes)"),
    ]


def collection_links(base: str, collection: str) -> list[dict[str, Any]]:
    """Links of one collection of the landing page at ``base``."""
    href = f"{base}/collections/{collection}/tiles"
    return [link(href, f"{REL}/tilesets-vector", title="矢量瓦片 Vector tiles")]
