"""Gravity networks with their flow, stored or inferred, as the checks of drains share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from ingest.rules.network import Floats, Mask, Rows, Survey
from ingest.rules.topology_tables import Tables, network, same_place, tables
from models import pipes
from models.network import FlowDirections, Network, flow_directions
from models.network.flow import gravity_edges

#: A fall counts when it is beyond this many times its mean error (95 %).
COVERAGE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Flows:
    """Drains of a survey. ``net`` has the inferred flow where none is stored; ``part`` (m,) are the
    drains in use, pumped ones (with a pressure) and links in chambers left out; ``place`` (n,) is
    one for all points of a chamber. Along the flow (from tail to head where it is unknown):
    ``leaves`` and ``comes`` (m, 2) plan vectors in metres of the straight piece at its start and of
    that at its end, ``plan`` (m,) lengths as drawn, ``up`` and ``down`` (m,) inverts, ``first`` and
    ``last`` (m,) nodes. ``width`` (m,) is the diameter in mm, of other
    sections that of the circle of their area; ``sigma_plan`` (m,), ``sigma`` (n,) mean errors in
    plan and height, the latter that of a hidden point where a point has none."""

    survey: Survey
    made: Tables
    net: Network
    found: FlowDirections
    part: Mask
    place: Rows
    leaves: Floats
    comes: Floats
    plan: Floats
    up: Floats
    down: Floats
    first: Rows
    last: Rows
    width: Floats
    sigma_plan: Floats
    sigma: Floats

    @property
    def known(self) -> Mask:
        """Drains (m,) whose flow is known or inferred."""
        return np.asarray(self.part & (self.net.flow != 0))

    @property
    def rise_sigma(self) -> Floats:
        """Mean error (m,) of the height difference of a line's ends."""
        return np.hypot(self.sigma[self.first], self.sigma[self.last])

    def points_at(self, points: Rows) -> Floats:
        """Places (k, 3) of points in the source CRS."""
        names = ("y_src", "x_src", "ground_h")
        return np.column_stack([self.survey.numbers("point", n)[points] for n in names])


def flows(survey: Survey) -> Flows | None:
    """The drains of a survey, ``None`` where it has no plane or no drains."""
    return survey.kept("flows", _flows)


def joints(found: Flows) -> pd.DataFrame:
    """Every pair of a drain that comes to a place and one that leaves it: ``come`` and ``leave``
    edges, ``node`` where the first ends, ``drop`` in metres from its invert down to the other's,
    NaN where one is unknown."""
    edges = np.flatnonzero(found.known)
    come = pd.DataFrame({"come": edges, "place": found.place[found.last[edges]]})
    leave = pd.DataFrame({"leave": edges, "place": found.place[found.first[edges]]})
    pairs = come.merge(leave, on="place", sort=False)
    ends = pairs["come"].to_numpy(np.intp), pairs["leave"].to_numpy(np.intp)
    return pairs.assign(
        node=found.last[ends[0]], drop=found.down[ends[0]] - found.up[ends[1]]
    ).astype({"come": np.intp, "leave": np.intp})


def _flows(survey: Survey) -> Flows | None:
    made, net = tables(survey), network(survey)
    if made is None or net is None:
        return None
    segments = made.segments
    drains = gravity_edges(net) & ~(segments["pressure_mpa"].to_numpy(np.float64) > 0)
    if not drains.any():
        return None
    found = flow_directions(net, within=drains)
    net = net.with_flow(found.flow)
    back = net.flow < 0
    first, last = np.where(back, net.head, net.tail), np.where(back, net.tail, net.head)
    geoms = segments["geom"].to_numpy(object)
    opens, closes = _piece(geoms, 0, 1), _piece(geoms, -2, -1)
    turned = back[:, None]
    sigma_plan = made.points["sigma_xy"].to_numpy(np.float64)
    sigma = made.points["sigma_z"].to_numpy(np.float64)
    return Flows(
        survey,
        made,
        net,
        found,
        drains & ~net.in_chamber,
        same_place(net),
        np.where(turned, -closes, opens),
        np.where(turned, -opens, closes),
        np.asarray(shapely.length(geoms)),
        np.where(back, net.invert[:, 1], net.invert[:, 0]),
        np.where(back, net.invert[:, 0], net.invert[:, 1]),
        first,
        last,
        _diameters(segments),
        np.hypot(sigma_plan[first], sigma_plan[last]),
        np.where(np.isfinite(sigma), sigma, hidden_sigma()),
    )


def _piece(lines: Any, start: int, end: int) -> Floats:
    """Plan vectors (m, 2) from vertex ``start`` to vertex ``end`` of the lines."""
    at = [shapely.get_point(lines, vertex) for vertex in (start, end)]
    ends = [np.column_stack([shapely.get_x(point), shapely.get_y(point)]) for point in at]
    return np.asarray(ends[1] - ends[0])


def hidden_sigma() -> float:
    """Mean error of the height of a hidden point 1 m deep (m): what stands for one without."""
    figures = pipes.accuracy()
    hidden = figures["hidden"]
    return float(np.hypot(figures["survey"]["z"], hidden["depth"] * hidden["least_h"]))


def _diameters(segments: pd.DataFrame) -> Floats:
    width, height = (segments[f"{n}_mm"].to_numpy(np.float64) for n in ("width", "height"))
    round_ = (segments["shape"] == "round").to_numpy(bool)
    with np.errstate(invalid="ignore"):
        return np.where(round_ | np.isnan(height), width, np.sqrt(4 * width * height / np.pi))
