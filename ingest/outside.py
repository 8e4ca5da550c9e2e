"""Buildings and BIM elements outside the polygon of a submission, one warning a table.

The points of a survey are judged by its rule packs (PT-05), with the same polygon.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from ingest.transform import Objects, Transform
from models.crs import StorageCrs
from models.errors import TwinError
from models.features import Delivery
from models.findings import Finding, Place, Severity

Floats = npt.NDArray[np.float64]

#: Code and words of the tables that are judged here.
_TABLES: Final = {
    "building": ("BLD-11", "栋建筑", "building"),
    "building_part": ("BLD-11", "个建筑部件", "building part"),
    "bim_element": ("IFC-13", "个构件", "element"),
}
#: How many rows a finding names.
_SHOWN: Final = 5


def tell(
    delivery: Delivery, area: shapely.Polygon | shapely.MultiPolygon | None, storage: StorageCrs
) -> tuple[Finding, ...]:
    """What of ``delivery``, as read, does not touch ``area`` (storage CRS), with the distance of
    the farthest; nothing where there is no area or no usable CRS, which others tell."""
    crs = delivery.passport.horizontal
    if area is None or crs is None:
        return ()
    out = []
    for table, words in _TABLES.items():
        frame = delivery.tables.get(table)
        if frame is None or frame.empty:
            continue
        try:
            distance = _distances(frame["geom"].to_numpy(dtype=object), area, crs, storage)
        except TwinError:
            return ()
        rows = np.flatnonzero(distance > 0)
        if rows.size:
            first = frame.iloc[rows[:_SHOWN]]
            row = pd.Series(first.get("source_row", [None])).iloc[0]
            names = first["key"].astype(str).tolist()
            place = Place(
                delivery.source.name, row=None if pd.isna(row) else int(row), element=names[0]
            )
            out.append(_finding(place, names, distance[rows], words))
    return tuple(out)


def _distances(geometry: Objects, area: shapely.Geometry, crs: str, storage: StorageCrs) -> Floats:
    """Metres from ``area``, 0 for what touches it, has no place, or lies where ``crs`` is not
    used."""
    transform = Transform(crs, "1985", storage)
    there = np.asarray(shapely.is_geometry(geometry)) & ~shapely.is_empty(geometry)
    there &= transform.inside(geometry)
    out = np.zeros(len(geometry))
    shapely.prepare(area)
    moved = transform.geometry(np.asarray(shapely.force_2d(geometry[there]), dtype=object))
    out[there] = np.where(shapely.intersects(area, moved), 0.0, shapely.distance(area, moved))
    return out


def _finding(
    place: Place, names: list[str], distance: Floats, words: tuple[str, str, str]
) -> Finding:
    code, zh, en = words
    count, far = len(distance), f"{distance.max():.1f} m"
    more_zh, more_en = ("……", ", …") if count > _SHOWN else ("", "")
    counted = f"1 {en} lies" if count == 1 else f"{count} {en}s lie"
    return Finding(
        code,
        Severity.WARNING,
        place,
        f"{place.file}：{count} {zh}（{'、'.join(names)}{more_zh}）在汇交范围线之外，最远 {far}。"
        "请核对坐标或范围线。",
        f"{place.file}: {counted} outside the polygon of the submission "
        f"({', '.join(names)}{more_en}), the farthest {far} away. Check the coordinates, or the "
        "polygon.",
        far,
        "范围线内 inside the polygon",
        extra={"count": count},
    )
