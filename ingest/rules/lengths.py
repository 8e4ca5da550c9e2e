"""Lengths of lines as they are drawn: in plan, in space, and on the ground."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyproj
import shapely

from ingest.rules.drawn import plan_lengths, stored_lines
from ingest.rules.network import Floats, Mask, Rows, Survey
from models import horizontal
from models.crs import storage_to_geodetic

_ELLIPSOID: Final = pyproj.Geod(ellps="GRS80")


def lengths(survey: Survey) -> tuple[Floats, Floats]:
    """Plane and spatial length (m) of every line; in plan alone where a height is not known.
    That of a survey in degrees is on the ground."""
    dz = survey.numbers("line", "to_ref_z") - survey.numbers("line", "from_ref_z")
    crs = None if survey.horizontal is None else horizontal.parse(survey.horizontal).crs
    if crs is not None and crs.is_geographic:
        plan = _geodesic(survey, np.arange(len(dz)))
    else:
        plan = plan_lengths(survey)
    return plan, np.hypot(plan, np.nan_to_num(dz))


def ground(survey: Survey, lines: Mask) -> float | None:
    """Geodesic length (m) of the lines; ``None`` where no datum is declared."""
    if survey.horizontal is None or survey.vertical is None:
        return None
    return float(np.nansum(_geodesic(survey, np.flatnonzero(lines))))


def _geodesic(survey: Survey, lines: Rows) -> Floats:
    """Geodesic plan length (k,) in metres of each of ``lines`` (k,), NaN where an end is not
    known."""
    out = np.full(len(lines), np.nan)
    places = survey.in_storage()
    if places is None:
        return out
    east = np.append(places[0], np.nan)
    known = np.flatnonzero(np.isfinite([east[end[lines]] for end in survey.ends()]).all(axis=0))
    ways = stored_lines(survey, lines[known], np.column_stack(places[:2]))
    xy, of = shapely.get_coordinates(ways, return_index=True)
    lon, lat, _ = storage_to_geodetic(xy[:, 0], xy[:, 1], np.zeros(len(xy)))
    # lists: it takes an array of one number for a number, which numpy will refuse
    steps = (part.tolist() for part in (lon[:-1], lat[:-1], lon[1:], lat[1:]))
    length = np.asarray(_ELLIPSOID.inv(*steps)[2], np.float64)
    within = of[1:] == of[:-1]
    out[known] = np.bincount(of[1:][within], length[within], len(known))
    return out
