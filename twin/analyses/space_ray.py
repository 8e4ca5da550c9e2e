"""视线 what a line of sight meets first."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from models.space.triangles import ray
from models.space.volumes import encloses
from twin.analyses.answer import Answer, Note
from twin.analyses.city import City, Things
from twin.analyses.errors import BadRequestError
from twin.analyses.space_requests import Place, SpaceRequest, answer, on_ground, places

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LONGEST: Final = 5000.0
#: Length of the boxes that a ray is looked for in (m), and of its steps over the terrain.
_BOX: Final = 50.0
_STEP: Final = 2.0


class SightRequest(SpaceRequest):
    """A line of sight between two places."""

    start: Place = Field(description="eye: [east, north, 1985 height] in `crs`")
    end: Place = Field(description="target, in the same way; nothing beyond it counts")
    terrain: bool = Field(default=True, description="whether the terrain blocks the view")


def line_of_sight(city: City, request: SightRequest) -> Answer:
    """What a line of sight hits, in order: pipes by their outer surface, buildings as extruded
    footprints, BIM elements by their meshes, and the terrain.

    For each hit ``distance`` along the line (metres) and the place ``at`` where the line enters,
    and ``through``, how far it runs up to where it leaves last. ``visible`` tells whether nothing
    lies before the target. Survey points have no body and are never hit.
    """
    start, end = places([request.start, request.end], request.crs, city.storage)
    length = float(np.linalg.norm(end - start))
    if not 1e-6 < length <= _LONGEST:
        raise BadRequestError(
            f"The line of sight is {length:.3f} m long; expected up to {_LONGEST:.0f} m.",
            f"视线长 {length:.3f} m，应大于 0 且不超过 {_LONGEST:.0f} m。",
        )
    things = city.near([x for x in request.layers if x != "pipe-points"], _boxes(start, end))
    chosen, enter, leave = _met(things, start, end - start)
    ahead = (leave >= 0) & (enter <= 1)
    chosen, enter, leave = chosen[ahead], np.maximum(enter[ahead], 0.0), leave[ahead]
    hits = things.describe(chosen)
    for one, first, last in zip(hits, enter, leave, strict=True):
        one["distance"] = round(float(first) * length, 3)
        one["at"] = _place(start + first * (end - start))
        one["through"] = round(float(min(last, 1.0) - first) * length, 3)
    ground = _ground_hit(city, start, end) if request.terrain else None
    if ground is not None:
        hits.append(ground)
        hits.sort(key=lambda one: float(one["distance"]))
    result: dict[str, Any] = {
        "length": round(length, 3),
        "visible": not hits,
        "first": hits[0] if hits else None,
        "hits": hits,
    }
    return answer(city, result, things, without_terrain(city) if request.terrain else ())


def _met(things: Things, start: Array, step: Array) -> tuple[Ints, Array, Array]:
    """Things that the line meets in the order in which it enters them, and its parameters there and
    where it leaves them last."""
    soup = things.soup
    enter, leave = ray(start, step, soup.triangles, soup.radius)
    ahead = leave >= 0
    chosen, first, last = spans(soup.owner[ahead], enter[ahead], leave[ahead])
    within = encloses(soup, start, len(things))[chosen]
    first = np.where(within, np.minimum(first, 0.0), first)
    order = np.argsort(first, kind="stable")
    return chosen[order], first[order], last[order]


def spans(owner: Ints, enter: Array, leave: Array) -> tuple[Ints, Array, Array]:
    """Owners that a ray meets, with its least and greatest parameter there (``enter`` is NaN where
    it meets nothing)."""
    met = ~np.isnan(enter)
    chosen, group = np.unique(owner[met], return_inverse=True)
    first, last = np.full(len(chosen), np.inf), np.full(len(chosen), -np.inf)
    np.minimum.at(first, group, enter[met])
    np.maximum.at(last, group, leave[met])
    return chosen.astype(np.int64), first, last


def _boxes(start: Array, end: Array) -> Array:
    """Boxes (n, 6) along a line, short enough that they hold little else."""
    count = max(1, int(np.ceil(np.linalg.norm(end - start) / _BOX)))
    cuts = start + np.linspace(0, 1, count + 1)[:, None] * (end - start)
    return np.hstack([np.minimum(cuts[:-1], cuts[1:]), np.maximum(cuts[:-1], cuts[1:])])


def _ground_hit(city: City, start: Array, end: Array) -> dict[str, Any] | None:
    """Where the line first meets the terrain, found by steps and refined by halving."""
    if city.terrain is None:
        return None
    length = float(np.linalg.norm(end - start))
    t = np.linspace(0.0, 1.0, max(2, int(np.ceil(length / _STEP)) + 1))
    at = start + t[:, None] * (end - start)
    above = at[:, 2] - on_ground(city, at[:, :2])
    crossing = np.flatnonzero((above[:-1] > 0) & (above[1:] <= 0))
    crossing = np.concatenate([crossing, np.flatnonzero((above[:-1] < 0) & (above[1:] >= 0))])
    if not len(crossing):
        return None
    first = int(crossing.min())
    low, high = float(t[first]), float(t[first + 1])
    sign = above[first] > 0
    for _ in range(24):
        middle = (low + high) / 2
        place = start + middle * (end - start)
        if (place[2] - float(on_ground(city, place[None, :2])[0]) > 0) == sign:
            low = middle
        else:
            high = middle
    return {
        "layer": "terrain",
        "distance": round(high * length, 3),
        "at": _place(start + high * (end - start)),
        "through": None,
    }


def _place(xyz: Array) -> list[float]:
    return [round(float(v), 3) for v in xyz]


def without_terrain(city: City) -> tuple[Note, ...]:
    """The remark that a twin has no terrain, if so."""
    if city.terrain is not None:
        return ()
    return (
        Note(
            "NO-TERRAIN",
            "该孪生体没有地形模型，结果不含地面。",
            "The twin has no terrain model: the ground is not in the result.",
        ),
    )
