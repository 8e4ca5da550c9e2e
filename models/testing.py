"""Builders of small canonical data for tests, made in code and deterministic, and a free port."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
import shapely

from models.features import (
    DatumPassport,
    Delivery,
    SourceFile,
    Theme,
    TriangleMesh,
    feature_id,
)

#: A point of the storage CRS (EPSG:4549 east, north, 1985 height) near both default twins.
ORIGIN: Final = (521_700.0, 3_428_800.0, 4.0)


@dataclass(frozen=True, slots=True)
class Twin:
    """A twin definition as :mod:`models.db.twins` takes it."""

    id: str = "test"
    name_zh: str = "测试"
    name_en: str = "Test"
    lon: float = 121.2264
    lat: float = 30.9869
    extent: tuple[float, float, float, float] = (121.0, 30.8, 121.5, 31.3)
    ground_height: float = 4.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now, so that test runs side by side do not collide."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def delivery(
    theme: Theme,
    tables: Mapping[str, pd.DataFrame],
    *,
    name: str = "made.csv",
    valid_from: date | None = None,
    meshes: Mapping[str, TriangleMesh] | None = None,
) -> Delivery:
    """A delivery in the storage CRS."""
    rows = sum(len(t) for t in tables.values())
    return Delivery(
        theme,
        SourceFile(name, sha256(name.encode()).hexdigest(), 1000),
        DatumPassport("EPSG:4549", "1985", "2000.0", "RTK", 0.05),
        tables,
        meshes or {},
        (),
        rows,
        valid_from,
    )


def buildings(
    heights: Mapping[str, float], *, twin: str = "test", dataset: str = "made"
) -> pd.DataFrame:
    """Square buildings of 10 m, one for each {key: height in metres}, 20 m apart."""
    east, north, ground = ORIGIN
    n = len(heights)
    left = east + 20.0 * np.arange(n)
    side = np.full(n, north)
    plan = shapely.box(left, side, left + 10.0, side + 10.0)
    return pd.DataFrame(
        {
            "id": [feature_id(twin, dataset, "building", k) for k in heights],
            "key": list(heights),
            "source_row": np.arange(1, n + 1),
            "height": list(heights.values()),
            "base_height": ground,
            "name": [f"楼 {k}" for k in heights],
            "attrs": [{"k": k} for k in heights],
            "geom": shapely.force_3d(plan, ground),
        }
    )


def pipes(
    count: int, *, twin: str = "test", dataset: str = "made", material: str = "混凝土"
) -> dict[str, pd.DataFrame]:
    """A chain of ``count`` segments of 30 m between ``count + 1`` points."""
    east, north, ground = ORIGIN
    xyz = np.column_stack(
        [
            east + 30.0 * np.arange(count + 1),
            np.full(count + 1, north),
            np.full(count + 1, ground),
        ]
    )
    names = [f"YS{i}" for i in range(count + 1)]
    ids = [feature_id(twin, dataset, "pipe_point", k) for k in names]
    lines = np.stack([xyz[:-1], xyz[1:]], axis=1) - [0.0, 0.0, 2.0]
    keys = [f"{a}-{b}" for a, b in pairwise(names)]
    return {
        "pipe_point": pd.DataFrame(
            {
                "id": ids,
                "key": names,
                "exp_no": names,
                "class_code": "YS",
                "ground_h": ground,
                "geom": shapely.points(xyz),
            }
        ),
        "pipe_segment": pd.DataFrame(
            {
                "id": [feature_id(twin, dataset, "pipe_segment", k) for k in keys],
                "key": keys,
                "class_code": "YS",
                "from_point": names[:-1],
                "to_point": names[1:],
                "from_point_id": ids[:-1],
                "to_point_id": ids[1:],
                "width_mm": 300.0,
                "material": material,
                "flow": 1,
                "built": date(2019, 5, 1),
                "geom": shapely.linestrings(lines),
            }
        ),
    }


def cube(size: float = 1.0) -> TriangleMesh:
    """A closed cube with its least corner at the origin."""
    corner = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * size
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return TriangleMesh(
        corner.astype(np.float64),
        np.array(faces, dtype=np.uint32),
        np.zeros(12, dtype=np.uint16),
        np.array([[0.8, 0.8, 0.8, 1.0]], dtype=np.float32),
        ("concrete",),
    )
