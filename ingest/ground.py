"""The ground that buildings stand on where nobody says how high it is."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from models.elevation import Terrain
from models.features import Delivery
from models.findings import Finding, Place, Severity
from models.twins import TwinDefinition

Array = npt.NDArray[np.float64]

#: ``base_source`` of heights that are not the delivery's own.
TERRAIN: Final = "terrain"
TWIN: Final = "twin"
_NOUNS: Final = {
    "building": ("building", "栋建筑"),
    "building_part": ("building part", "个建筑部分"),
}


def stand(
    frame: pd.DataFrame,
    twin: TwinDefinition,
    terrain: Terrain | None,
    buildings: pd.DataFrame | None = None,
) -> None:
    """Give rows without ``base_height`` one (1985, metres), and ``base_source``. Works in place.

    A part takes its building's, which ``buildings`` has by ``key``. What is left stands on the
    lowest ground of ``terrain`` under the corners of its footprint (storage CRS), so that no wall
    hangs in the air; outside the elevation model, or without one, on the twin's typical ground.
    """
    base = frame["base_height"].to_numpy(np.float64, copy=True)
    source = frame["base_source"].to_numpy(object, copy=True)
    if buildings is not None and "building_key" in frame.columns:
        held = buildings.drop_duplicates("key").set_index("key")
        own, unknown = frame["building_key"], np.isnan(base)
        base[unknown] = own.map(held["base_height"])[unknown]
        source[unknown] = own.map(held["base_source"])[unknown]
    if terrain is not None and (unknown := np.isnan(base)).any():
        base[unknown] = _lowest(terrain, frame["geom"].to_numpy(object)[unknown])
        source[unknown] = TERRAIN
    flat = np.isnan(base)
    base[flat], source[flat] = twin.ground_height, TWIN
    frame["base_height"], frame["base_source"] = base, source


def tell(
    delivery: Delivery,
    name: str,
    frame: pd.DataFrame,
    unknown: npt.NDArray[np.bool_],
    twin: TwinDefinition,
    terrain: Terrain | None,
) -> list[Finding]:
    """An info finding (BLD-10) on the rows ``unknown`` that stand on the elevation model, and one
    on those that stand on the twin's ground."""
    source = frame["base_source"].to_numpy(object)
    out = []
    if terrain is not None and (rows := unknown & (source == TERRAIN)).any():
        dem = terrain.passport.name
        out.append(
            _finding(
                delivery,
                name,
                frame[rows],
                f"采用 {twin.name_zh} 的地形 {dem} 在其轮廓角点处的最低高程",
                f"the base is the lowest height of the elevation model of {twin.name_en}, {dem}, "
                "under the corners",
                dem,
            )
        )
    if (rows := unknown & (source == TWIN)).any():
        height = f"{twin.ground_height:g} m"
        out.append(
            _finding(
                delivery,
                name,
                frame[rows],
                f"采用 {twin.name_zh} 统一的地面高程 {height}（1985 国家高程基准）",
                f"the base is the ground height of {twin.name_en}, {height} (1985 datum) "
                "everywhere",
                height,
            )
        )
    return out


def _finding(
    delivery: Delivery, name: str, rows: pd.DataFrame, zh: str, en: str, found: str
) -> Finding:
    file, many = delivery.source.name, len(rows)
    noun, noun_zh = _NOUNS[name]
    return Finding(
        "BLD-10",
        Severity.INFO,
        Place(file),
        f"{file}：{many} {noun_zh}没有基底高程，{zh}。如有实测值，请以“基底高程”字段提供。",
        f"{file}: {many} {noun}{'' if many == 1 else 's'} without base height: {en}. Deliver "
        "measured ones in a column such as base_height.",
        found,
        "base_height",
        extra={"count": many, "rows": [int(row) for row in rows["source_row"].iloc[:5]]},
    )


def _lowest(terrain: Terrain, geometry: npt.NDArray[np.object_]) -> Array:
    """Lowest ground under the vertices of each geometry, NaN where none of them has one."""
    corners, index = shapely.get_coordinates(geometry, return_index=True)
    out = np.full(len(geometry), np.nan)
    np.fmin.at(out, index, terrain.sample(*corners.T))
    return out
