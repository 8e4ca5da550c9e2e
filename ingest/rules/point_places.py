"""Checks of where points lie: among each other, in the submission's area and on the ground."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import shapely
from scipy.spatial import cKDTree

from ingest.rules.hits import Hits, hits
from ingest.rules.network import Floats, Mask, Survey


def far_from_all(survey: Survey, limit: float) -> Iterator[Hits]:
    """Points whose nearest other place is farther than ``limit`` metres (飞点)."""
    xy, known = _places(survey)
    places, index = np.unique(xy[known], axis=0, return_inverse=True)
    if len(places) < 3:  # of two nobody knows which one is far
        return
    distance, _ = cKDTree(places).query(places, k=2)
    nearest = np.zeros(len(known))
    nearest[known] = distance[:, 1][index.ravel()]
    nearest = np.round(nearest, 1)
    yield hits("point", nearest > limit, "exp_no", found=nearest)


def nearly_coincident(survey: Survey, within: float) -> Iterator[Hits]:
    """Points of one class and different numbers less than ``within`` metres apart in X, Y and
    height but not at the same place, after the first one; ends of one line may be close."""
    xy, known = _places(survey)
    xyz = np.column_stack([xy, survey.numbers("point", "ground_h")])
    rows = np.flatnonzero(known & np.isfinite(xyz[:, 2]))
    if len(rows) < 2:
        return
    pairs = cKDTree(xyz[rows]).query_pairs(within, output_type="ndarray")
    pairs = np.sort(rows[pairs], axis=1)
    apart = (np.round(xyz[pairs[:, 0]], 4) != np.round(xyz[pairs[:, 1]], 4)).any(axis=1)
    classes = survey.values("point", "class_code")
    apart &= classes[pairs[:, 0]] == classes[pairs[:, 1]]
    size = len(xyz) + 1
    low, high = np.sort(np.stack(survey.ends()), axis=0).astype(np.int64)
    apart &= ~np.isin(pairs[:, 0].astype(np.int64) * size + pairs[:, 1], low * size + high)
    pairs = pairs[apart]
    pairs = pairs[np.unique(pairs[:, 1], return_index=True)[1]] if len(pairs) else pairs
    gap = np.linalg.norm(xyz[pairs[:, 0]] - xyz[pairs[:, 1]], axis=1)
    other = survey.values("point", "exp_no")[pairs[:, 0]]
    yield Hits("point", pairs[:, 1], "exp_no", {"found": np.round(gap, 4), "other": other})


def outside_polygon(survey: Survey) -> Iterator[Hits]:
    """Points outside the submission's polygon, where one is given."""
    area, places = survey.context.area, survey.in_storage()
    if area is None or places is None:
        return
    known = np.isfinite(places[0]) & survey.alive["point"]
    shapely.prepare(area)
    outside = known & ~shapely.intersects_xy(area, places[0], places[1])
    distance = np.zeros(len(outside))
    distance[outside] = shapely.distance(
        area, shapely.points(places[0][outside], places[1][outside])
    )
    yield hits("point", outside, "exp_no", found=np.round(distance, 1))


def ground_height(survey: Survey, limit: float, upto: float | None = None) -> Iterator[Hits]:
    """Ground heights that differ from the twin's terrain by more than ``limit`` metres (and not
    more than ``upto``), where the twin has a terrain; heights are compared in the 1985 datum."""
    terrain, places = survey.context.terrain, survey.in_storage()
    if terrain is None or places is None:
        return
    dem: Floats = terrain.sample(places[0], places[1])
    off = places[2] - dem
    mask = survey.alive["point"] & (np.abs(off) > limit + 1e-9)
    if upto is not None:
        mask &= np.abs(off) <= upto + 1e-9
    ground = survey.numbers("point", "ground_h")
    yield hits("point", mask, "ground_h", found=ground, dem=dem, off=off)


def _places(survey: Survey) -> tuple[Floats, Mask]:
    """East and north (n, 2) of the points, and which are known and not refused."""
    xy = np.column_stack([survey.numbers("point", "y_src"), survey.numbers("point", "x_src")])
    return xy, np.isfinite(xy).all(axis=1) & survey.alive["point"]


CHECKS: Final = (far_from_all, ground_height, nearly_coincident, outside_polygon)
