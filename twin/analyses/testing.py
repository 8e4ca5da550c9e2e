"""Builders of small pipeworks for tests; everything is made in code and deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from models.features import feature_id
from models.terrain import Terrain
from twin.analyses.pipework import Pipework

#: East, north of the corner that positions of :func:`pipe` are measured from (EPSG:4549, metres).
CORNER: Final = (624_000.0, 3_450_000.0)


def pipe(
    *vertices: Sequence[float], code: str = "YS", points: tuple[str, str], **columns: Any
) -> dict[str, Any]:
    """A segment through (east, north, height) ``vertices`` from :data:`CORNER` between the named
    ``points``; ``columns`` are canonical ones. The key is ``first-last``."""
    xyz = np.asarray(vertices, np.float64) + np.array([*CORNER, 0.0])
    return {
        "key": "-".join(points),
        "class_code": code,
        "from_point": points[0],
        "to_point": points[1],
        "geom": shapely.linestrings(xyz),
        **columns,
    }


def round_pipe(
    *vertices: Sequence[float], size: float = 300.0, points: tuple[str, str], **columns: Any
) -> dict[str, Any]:
    """:func:`pipe` whose outer diameter is ``size`` mm."""
    return pipe(
        *vertices, points=points, shape="round", width_mm=size, od_mm=size, id_mm=size, **columns
    )


def pipework(
    *pipes: dict[str, Any],
    ground: float | dict[str, float] = 4.0,
    points: dict[str, dict[str, Any]] | None = None,
    terrain: Terrain | None = None,
    **more: Any,
) -> Pipework:
    """The pipes with their points at ``ground`` (m, or by point); ``points`` adds columns to named
    points. Accuracy is 0.05 m in plan and 0.03 m in height unless ``points`` says otherwise."""
    segments = _table(pipes)
    segments.insert(0, "id", [str(feature_id("t", "d", "pipe_segment", k)) for k in segments.key])
    ends: dict[str, dict[str, Any]] = {}
    for one in pipes:
        for name, place in ((one["from_point"], 0), (one["to_point"], -1)):
            at = shapely.get_coordinates(one["geom"])[place]
            height = ground.get(name, np.nan) if isinstance(ground, dict) else ground
            ends.setdefault(
                name,
                {
                    "id": str(feature_id("t", "d", "pipe_point", name)),
                    "key": name,
                    "exp_no": name,
                    "class_code": one["class_code"],
                    "ground_h": height,
                    "sigma_xy": 0.05,
                    "sigma_z": 0.03,
                    "geom": shapely.points([*at, height]),
                    **(points or {}).get(name, {}),
                },
            )
    table = _table(list(ends.values()))
    for end in ("from", "to"):
        segments[f"{end}_point_id"] = [ends[n]["id"] for n in segments[f"{end}_point"]]
    return Pipework.of(segments, table, twin="t", terrain=terrain, **more)


def _table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows as the database hands them over: text is objects, whatever pandas would infer."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pd.Series[Any]:
    text = any(isinstance(value, str) for value in values)
    return pd.Series(values, dtype=object if text else None)


def at(*positions: Sequence[float]) -> list[list[float]]:
    """Positions from :data:`CORNER` as a request has them."""
    return [[CORNER[0] + p[0], CORNER[1] + p[1]] for p in positions]
