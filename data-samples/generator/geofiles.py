"""Writers of building tables: GeoPackage, GeoJSON and Shapefile, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from pyproj import Transformer

from .buildings import Building

DATE = "2026-01-01"
GPKG_COLUMNS = (
    "建筑编号",
    "建筑名称",
    "用途",
    "建筑层数",
    "建筑高度",
    "地面高程",
    "离地高度",
    "建成年份",
    "地址",
    "所属建筑",
)
SHP_COLUMNS = ("编号", "名称", "用途", "层数", "地面高程", "建成年份", "地址")


def _above(b: Building) -> float:
    """Height of the top above the ground, as both surveyors and OpenStreetMap give it."""
    return round(b.base + b.height, 2)


def write_gpkg(path: Path, buildings: Sequence[Building]) -> None:
    """Buildings and parts in one layer, EPSG:4549, Chinese column names."""
    path.unlink(missing_ok=True)
    rows = [
        (
            b.key,
            b.name,
            b.use,
            b.storeys,
            _above(b),
            b.ground,
            b.base,
            b.built,
            b.address,
            b.part_of,
        )
        for b in buildings
    ]
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{DATE}T00:00:00.000Z"})
    _write(path, buildings, GPKG_COLUMNS, rows, "GPKG", layer="建筑")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_shp(path: Path, buildings: Sequence[Building]) -> None:
    """Buildings without heights (floors only) as Shapefile in GBK, EPSG:4549."""
    rows = [(b.key, b.name, b.use, b.storeys, b.ground, b.built, b.address) for b in buildings]
    _write(
        path,
        buildings,
        SHP_COLUMNS,
        rows,
        "ESRI Shapefile",
        layer=path.stem,
        encoding="GBK",
        layer_options={"DBF_DATE_LAST_UPDATE": DATE},
    )
    path.with_suffix(".cpg").write_text("GBK\n", encoding="ascii")


def _write(
    path: Path,
    buildings: Sequence[Building],
    columns: Sequence[str],
    rows: Sequence[tuple[object, ...]],
    driver: str,
    *,
    layer: str,
    encoding: str = "UTF-8",
    layer_options: dict[str, str] | None = None,
) -> None:
    data = [_array(values) for values in zip(*rows, strict=True)]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array([b.shape for b in buildings])),
        data,
        np.array(columns),
        driver=driver,
        layer=layer,
        geometry_type="Polygon",
        crs="EPSG:4549",
        encoding=encoding,
        layer_options=layer_options,
    )


def _array(values: Sequence[object]) -> np.ndarray:
    if all(isinstance(v, int) for v in values):
        return np.array(values, dtype=np.int32)
    if all(isinstance(v, float | int) for v in values):
        return np.array(values, dtype=np.float64)
    return np.array(values, dtype=object)


def write_geojson(path: Path, buildings: Sequence[Building]) -> None:
    """Buildings and parts as RFC 7946 GeoJSON, longitude and latitude to a millimetre."""
    transformer = Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True)
    shapes = np.array([b.shape for b in buildings])
    degrees = shapely.transform(
        shapes, lambda en: np.round(np.column_stack(transformer.transform(en[:, 0], en[:, 1])), 8)
    )
    lines = []
    for b, shape in zip(buildings, degrees, strict=True):
        rings = [shape.exterior, *shape.interiors]
        properties = {
            "id": b.key,
            "name": b.name,
            "function": b.use,
            "storeys": b.storeys,
            "height": _above(b),
            "ground_height": b.ground,
            "min_height": b.base,
            "built": b.built,
            "address": b.address,
        }
        if b.part_of:
            properties["parent"] = b.part_of
        feature = {
            "type": "Feature",
            "id": b.key,
            "properties": properties,
            "geometry": {
                "type": "Polygon",
                "coordinates": [list(map(list, r.coords)) for r in rings],
            },
        }
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    head = '{"type":"FeatureCollection","name":"buildings","features":[\n'
    path.write_text(head + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
