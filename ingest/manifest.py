"""What a whole delivery says of itself: ``manifest.json`` or a metadata table (元数据.csv).

It holds for every file in its folder and below. A file's own declaration goes before it; survey
tables, which read such files themselves, refuse where both differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely

from ingest.errors import refuse
from ingest.mapping import datums
from ingest.mapping.words import survey_words
from ingest.readers.base import ReadOptions
from ingest.readers.survey_sheets import is_metadata, is_metadata_name
from ingest.readers.tables import peek_grids
from ingest.readers.tables_manifest import document
from models.crs import StorageCrs, to_storage
from models.errors import TwinError

_SUFFIXES: Final = frozenset({".json", ".csv", ".txt", ".xlsx", ".xls"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """Declarations of a delivery, in its own words where they are no datums. ``horizontal`` and
    ``vertical`` are as :class:`models.features.DatumPassport` has them, ``area`` is the polygon of
    the delivery in the storage CRS."""

    path: Path
    horizontal: str | None = None
    vertical: str | None = None
    project: str | None = None
    owner: str | None = None
    survey_unit: str | None = None
    method: str | None = None
    epoch: str | None = None
    area: shapely.Polygon | shapely.MultiPolygon | None = None

    def attempts(self, options: ReadOptions) -> list[ReadOptions]:
        """``options``, then with the datums declared here where those name none: heights first,
        which most files with a CRS of their own lack."""
        up = replace(options, vertical=options.vertical or self.vertical)
        out = [options, up, replace(up, horizontal=options.horizontal or self.horizontal)]
        return [o for index, o in enumerate(out) if o not in out[:index]]


def is_manifest(path: Path) -> bool:
    """Whether a file describes the delivery: named like it, and no table of points or lines."""
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return False
    if path.suffix.lower() == ".json":  # also one that cannot be read, which reading says
        return is_metadata_name(path.stem, survey_words())
    grids = peek_grids(path)
    return bool(grids) and all(is_metadata(grid, survey_words()) for grid in grids)


def read_manifest(path: Path, storage: StorageCrs) -> Manifest:
    """The declarations of a file that :func:`is_manifest`.

    Raises :class:`ingest.errors.RefusedError`: STR-00 for what is no JSON object, MET-01 for datum
    words that mean nothing, MET-04 for an area that is no polygon in the declared CRS (or in
    degrees).
    """
    about = document(path) if path.suffix.lower() == ".json" else {}
    said: dict[str, str] = {}
    for grid in peek_grids(path, 200):
        for item in datums.find(grid.cells.tolist()):
            said.setdefault(item.kind, item.text)
    crs = _meaning(path, said.get("horizontal"), datums.horizontal)
    up = _meaning(path, said.get("vertical"), datums.vertical)
    others = {name: said.get(name) for name in ("project", "owner", "survey_unit", "method")}
    area = None
    if given := about.get("area_polygon"):
        area = _area(path, given, crs, storage)
    return Manifest(path, crs, up, **others, epoch=said.get("epoch"), area=area)


def nearest(path: Path, manifests: Sequence[Manifest]) -> Manifest | None:
    """The manifest that holds for a file: that of its folder, else of the next folder above."""
    above = [m for m in manifests if path.is_relative_to(m.path.parent)]
    return max(above, key=lambda m: len(m.path.parent.parts), default=None)


def _meaning(path: Path, text: str | None, meaning: Any) -> str | None:
    value = None if text is None else meaning(text)
    if isinstance(value, datums.Unknown):
        raise refuse(
            "MET-01",
            path.name,
            en=f"{path.name}: “{text}” {value.en}. Correct the declaration.",
            zh=f"{path.name}：“{text}”{value.zh}。请改正声明。",
            found=text,
            expected="EPSG:4549; 1985国家高程基准",
        )
    return value


def _area(path: Path, given: Any, crs: str | None, storage: StorageCrs) -> Any:
    found = str(given)[:100]
    try:
        shape = shapely.geometry.shape(given)
        plane = shapely.get_coordinates(shape)
        degrees = bool(np.abs(plane).max() <= 180.0)
        source = "EPSG:4490" if degrees else crs
        sound = shape.geom_type in {"Polygon", "MultiPolygon"} and shape.is_valid
        if sound and source is not None:
            east, north, _ = to_storage(plane[:, 0], plane[:, 1], None, source, "1985", storage)
            if np.isfinite(east).all() and np.isfinite(north).all():
                return shapely.set_coordinates(
                    shapely.force_2d(shape), np.column_stack([east, north])
                )
    except (
        TwinError,
        shapely.errors.ShapelyError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
    ):
        pass
    raise refuse(
        "MET-04",
        path.name,
        en=f"{path.name}: area_polygon is no polygon that can be used ({found}). Give a GeoJSON "
        "Polygon in degrees, or in the declared CRS with east before north.",
        zh=f"{path.name}：area_polygon 不是可用的多边形（{found}）。请给出 GeoJSON Polygon，坐标为"
        "经纬度，或所声明坐标系的坐标（先东后北）。",
        found=found,
        expected='{"type": "Polygon", "coordinates": …}',
    )
