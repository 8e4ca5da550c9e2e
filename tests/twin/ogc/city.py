"""A small city: every collection of one twin, and a little of another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from models.crs import to_storage
from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import delivery
from models.twins import load_twins

TWIN, OTHER = "songjiang-hub", "qianwan"
SIDE, STEP = 10.0, 20.0


@dataclass(frozen=True)
class City:
    """Where the service and its database are, and what was put into it, by table."""

    url: str
    database: str
    home: Path
    tables: dict[str, pd.DataFrame]

    @property
    def root(self) -> str:
        return f"{self.url}/ogc/{TWIN}"


def centre(twin: str) -> tuple[float, float]:
    definition = load_twins(None)[twin]
    east, north, _ = to_storage([definition.lon], [definition.lat], None, "EPSG:4490", "1985")
    return float(east[0]), float(north[0])


def buildings(twin: str, columns: int, rows: int, dataset: str = "blocks") -> pd.DataFrame:
    """Squares of 10 m on a grid of 20 m, 4 m above the datum, rising to the north-east."""
    east, north = centre(twin)
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    x, y = x.ravel(), y.ravel()
    keys = [f"B{i}" for i in range(len(x))]
    plan = shapely.box(
        east + STEP * x, north + STEP * y, east + STEP * x + SIDE, north + STEP * y + SIDE
    )
    return pd.DataFrame(
        {
            "id": [feature_id(twin, dataset, "building", k) for k in keys],
            "key": keys,
            "source_row": np.arange(1, len(x) + 1),
            "name": [f"楼 {k}" if i % 3 else None for i, k in enumerate(keys)],
            "function": [("office", "Café", "住宅")[i % 3] for i in range(len(x))],
            "storeys": [i % 7 + 1 if i % 5 else None for i in range(len(x))],
            "height": 3.0 * (np.arange(len(x)) % 7 + 1),
            "base_height": 4.0,
            "attrs": [{"k": k} for k in keys],
            "geom": shapely.force_3d(plan, 4.0),
        }
    )


def parts(twin: str, owners: pd.DataFrame) -> pd.DataFrame:
    """A tower on every building's south-western quarter."""
    bounds = np.array([g.bounds for g in owners["geom"]])
    tower = shapely.box(bounds[:, 0], bounds[:, 1], bounds[:, 0] + 5, bounds[:, 1] + 5)
    keys = [f"{k}-T" for k in owners["key"]]
    return pd.DataFrame(
        {
            "id": [feature_id(twin, "blocks", "building_part", k) for k in keys],
            "key": keys,
            "building_key": owners["key"].to_numpy(),
            "height": 30.0,
            "base_height": 10.0,
            "geom": shapely.force_3d(tower, 10.0),
        }
    )


def pipes(twin: str, count: int) -> dict[str, pd.DataFrame]:
    """A chain of segments of 30 m eastwards, 2 m below the points."""
    east, north = centre(twin)
    xyz = np.column_stack(
        [east + 30.0 * np.arange(count + 1), np.full(count + 1, north), np.full(count + 1, 4.0)]
    )
    names = [f"YS{i}" for i in range(count + 1)]
    keys = [f"{a}-{b}" for a, b in pairwise(names)]
    lines = shapely.linestrings(np.stack([xyz[:-1], xyz[1:]], axis=1) - [0, 0, 2.0])
    return {
        "pipe_point": pd.DataFrame(
            {
                "id": [feature_id(twin, "rain", "pipe_point", k) for k in names],
                "key": names,
                "source_row": np.arange(count + 1),
                "exp_no": names,
                "class_code": "YS",
                "ground_h": 4.0,
                "geom": shapely.points(xyz),
            }
        ),
        "pipe_segment": pd.DataFrame(
            {
                "id": [feature_id(twin, "rain", "pipe_segment", k) for k in keys],
                "key": keys,
                "source_row": np.arange(count),
                "class_code": "YS",
                "width_mm": 300.0 + 100 * (np.arange(count) % 3),
                "material": "混凝土",
                "built": [date(2010 + i % 5, 5, 1) for i in range(count)],
                "geom": lines,
            }
        ),
    }


def elements(twin: str, count: int) -> pd.DataFrame:
    """Boxes of 2 m x 1 m x 3 m standing at 5 m."""
    east, north = centre(twin)
    keys = [f"E{i}" for i in range(count)]
    return pd.DataFrame(
        {
            "id": [feature_id(twin, "model", "bim_element", k) for k in keys],
            "key": keys,
            "ifc_class": "IfcWall",
            "psets": [{"Pset_WallCommon": {"IsExternal": bool(i % 2)}} for i in range(count)],
            "geom": [box_faces(east + 5 * i, north - 50, 5.0) for i in range(count)],
        }
    )


def box_faces(x: float, y: float, z: float) -> Any:
    c = np.array([(x + a, y + b, z + h) for h in (0, 3) for b in (0, 1) for a in (0, 2)])
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    return shapely.MultiPolygon([shapely.Polygon(c[list(q)]) for q in quads])


def fill(url: str) -> dict[str, pd.DataFrame]:
    """Publish the city into the database at ``url``; its tables of :data:`TWIN`."""
    own = buildings(TWIN, 9, 7)
    tables = {
        "building": own,
        "building_part": parts(TWIN, own.iloc[:5]),
        **pipes(TWIN, 12),
        "bim_element": elements(TWIN, 6),
    }
    with connect(url) as conn:
        twins.sync(conn, load_twins(None).values())
        blocks = {k: tables[k] for k in ("building", "building_part")}
        rain = {k: tables[k] for k in ("pipe_point", "pipe_segment")}
        for twin, dataset, made in (
            (TWIN, "blocks", delivery(Theme.BUILDINGS, blocks, valid_from=date(2020, 1, 1))),
            (TWIN, "rain", delivery(Theme.PIPES, rain, valid_from=date(2021, 1, 1))),
            (TWIN, "model", delivery(Theme.BIM, {"bim_element": tables["bim_element"]})),
            (OTHER, "blocks", delivery(Theme.BUILDINGS, {"building": buildings(OTHER, 2, 1)})),
        ):
            publish(conn, twin=twin, dataset=dataset, deliveries=[made])
        conn.execute("ANALYZE")
    return tables
