"""Analyses of everything in space, by the names they have over HTTP and on the command line."""

from __future__ import annotations

from typing import Final

from twin.analyses.registry import Analysis
from twin.analyses.space_column import ColumnRequest, column
from twin.analyses.space_differences import DifferencesRequest, differences
from twin.analyses.space_measure import (
    HeightRequest,
    MeasureRequest,
    terrain_height,
    volume_and_area,
)
from twin.analyses.space_nearest import NearestRequest, nearest
from twin.analyses.space_overlaps import OverlapsRequest, overlaps
from twin.analyses.space_ray import SightRequest, line_of_sight
from twin.analyses.space_within import WithinRequest, within

_AREA: Final = [[624040.0, 3450560.0], [624140.0, 3450560.0], [624140.0, 3450660.0]]

SPACE: Final = (
    Analysis(
        "within",
        "空间范围内要素",
        "Features within a volume",
        WithinRequest,
        within,
        {"box": [624040, 3450560, -5, 624100, 3450620, 40]},
        over="city",
    ),
    Analysis(
        "nearest",
        "空间最近要素",
        "Nearest features in space",
        NearestRequest,
        nearest,
        {"point": [624060, 3450580, 1.5], "count": 5},
        over="city",
    ),
    Analysis(
        "line-of-sight",
        "视线分析",
        "Line of sight",
        SightRequest,
        line_of_sight,
        {"start": [624000, 3450500, 60], "end": [624100, 3450650, 2]},
        over="city",
    ),
    Analysis(
        "column",
        "垂直剖视",
        "Everything above and below a place",
        ColumnRequest,
        column,
        {"point": [624060, 3450580], "radius": 5},
        over="city",
    ),
    Analysis(
        "terrain-height",
        "地面高程",
        "Height of the ground",
        HeightRequest,
        terrain_height,
        {"points": [[624060, 3450580]]},
        over="city",
    ),
    Analysis(
        "volume-and-area",
        "体积与面积量算",
        "Volume and area of a selection",
        MeasureRequest,
        volume_and_area,
        {"polygon": _AREA},
        over="city",
    ),
    Analysis(
        "overlaps",
        "图层叠置",
        "What lies under, over or in what",
        OverlapsRequest,
        overlaps,
        {"polygon": _AREA, "layer": "pipe-segments", "other": "buildings"},
        over="city",
    ),
    Analysis(
        "differences",
        "变化比对",
        "Differences between two states",
        DifferencesRequest,
        differences,
        {"layer": "pipe-segments", "before_as_of": "2026-01-01T00:00:00+08:00"},
        over="city",
    ),
)
