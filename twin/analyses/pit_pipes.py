"""Pipes in and near an excavation: how each is concerned, and where only hands may dig."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from twin.analyses import describe
from twin.analyses.describe import metres
from twin.analyses.pipework import Pipework
from twin.analyses.pit import Pit

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

#: A mean error that a survey does not give is taken as that of a hidden point 1 m deep (§1.9).
_SIGMA: Final = {"sigma_xy": 0.07, "sigma_z": 0.08}
_STEP: Final = 0.25
#: Most concerned first: in the pit, in it within 2 sigma, within reach of the hand-dig margin, of
#: unknown height, under the floor, over the ground.
STATES: Final = ("exposed", "possible", "near", "unknown", "below", "overhead")


def states(
    pipework: Pipework, pit: Pit, piece: Rows, margin: float
) -> tuple[npt.NDArray[np.intp], Array, Array]:
    """For each piece the place of its worst state in STATES (their number where it is not
    concerned), the exposed length, and how far its top is above the floor at most, of samples every
    :data:`_STEP` metres."""
    body = pipework.bodies
    step = body.end[piece] - body.start[piece]
    length = np.sqrt(np.nansum(step**2, axis=1))
    count = np.clip(np.ceil(length / _STEP).astype(int), 1, 4000)
    of = np.repeat(np.arange(len(piece)), count)
    share = (np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[of]
    at = body.start[piece][of] + share[:, None] * step[of]
    half_w = np.nan_to_num(body.half_width[piece])[of]
    half_h = np.nan_to_num(body.half_height[piece])[of]
    error_xy = 2 * sigma(pipework, piece, "sigma_xy")[of]
    error_z = 2 * sigma(pipework, piece, "sigma_z")[of]
    top, bottom = at[:, 2] + half_h, at[:, 2] - half_h
    ground = pipework.ground.sample(at[:, 0], at[:, 1])
    ground = np.where(np.isnan(ground), pit.ground[1], ground)
    buried = ~(bottom >= ground)
    surface, wide, wider = (
        pit.bottom_at(at[:, :2], half_w + more)
        for more in (np.zeros_like(half_w), error_xy, error_xy + margin)
    )
    in_plan = shapely.distance(shapely.points(at[:, :2]), pit.top) <= half_w
    state = np.select(
        [
            buried & (top > surface) & in_plan,
            buried & (top + error_z > wide),
            buried & (top + error_z + margin > wider),
            np.isnan(at[:, 2]) & in_plan,
            buried & in_plan,
            in_plan,
        ],
        range(len(STATES)),
        len(STATES),
    )
    worst = np.full(len(piece), len(STATES))
    np.minimum.at(worst, of, state)
    exposed = np.bincount(of, weights=(state == 0) * (length / count)[of], minlength=len(piece))
    highest = np.full(len(piece), -np.inf)
    over = in_plan & np.isfinite(top)
    np.maximum.at(highest, of[over], top[over] - pit.floor_h)
    return worst.astype(np.intp), np.asarray(exposed, np.float64), _known(highest)


def _known(values: Array) -> Array:
    return np.where(np.isinf(values), np.nan, values)


def sigma(pipework: Pipework, piece: Rows, name: str) -> Array:
    """``sigma_xy`` or ``sigma_z`` of pieces in metres, the assumed one where a survey has none."""
    values = getattr(pipework.bodies, name)[piece]
    return np.asarray(np.where(np.isnan(values), _SIGMA[name], values), np.float64)


def zone(pipework: Pipework, pit: Pit, pieces: Rows, margin: float) -> dict[str, Any]:
    """Where only hands may dig around the pieces of one segment, within the pit."""
    body = pipework.bodies
    more_xy = np.nan_to_num(body.half_width[pieces]) + margin
    more_xy = more_xy + 2 * sigma(pipework, pieces, "sigma_xy")
    band = shapely.union_all(shapely.buffer(pipework.plan[pieces], more_xy, quad_segs=4))
    area = shapely.intersection(band, pit.top)
    # Heights of the parts that are within reach of the pit, not of the pipe far from it.
    near = shapely.intersection(pipework.plan[pieces], shapely.buffer(pit.top, more_xy))
    at, of = shapely.get_coordinates(near, return_index=True)
    start, end = body.start[pieces][of], body.end[pieces][of]
    step = end - start
    long = np.einsum("ni,ni->n", step[:, :2], step[:, :2])
    t = np.einsum("ni,ni->n", at - start[:, :2], step[:, :2]) / np.where(long > 0, long, np.nan)
    z = np.where(np.isnan(t), np.maximum(start[:, 2], end[:, 2]), start[:, 2] + t * step[:, 2])
    rise = np.nan_to_num(body.half_height[pieces]) + margin
    rise = (rise + 2 * sigma(pipework, pieces, "sigma_z"))[of]
    known = bool(np.isfinite(z).any())
    return {
        "polygons": [ring(p) for p in shapely.get_parts(area) if p.geom_type == "Polygon"],
        "upper": metres(np.nanmax(z + rise)) if known else None,
        "lower": metres(np.nanmin(z - rise)) if known else None,
    }


def ring(shape: shapely.Polygon) -> list[list[float | None]]:
    """Corners of a polygon's outer ring for JSON."""
    return describe.points(shapely.get_coordinates(shape.exterior))
