"""垂直剖视 everything above and below a place: features, and the places of address tables."""

from __future__ import annotations

from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from models.db import space
from models.space.triangles import gaps, ray
from twin.analyses.answer import Answer, Note
from twin.analyses.city import City, Things
from twin.analyses.errors import BadRequestError
from twin.analyses.requests import Position, positions
from twin.analyses.space_ray import spans, without_terrain
from twin.analyses.space_requests import SpaceRequest, answer, on_ground

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Between these heights everything of a city lies (m).
_BOTTOM: Final = -500.0
_TOP: Final = 9000.0


class ColumnRequest(SpaceRequest):
    """A place in plan, and how far around it things count."""

    point: Position
    radius: Annotated[float, Field(ge=0, le=50, description="metres around the vertical")] = 1.0
    places: bool = Field(
        default=True,
        description="whether the places of address tables (sensors, parcels, names) count",
    )


def column(city: City, request: ColumnRequest) -> Answer:
    """Everything above and below a place, from the top downwards: heights of the top and bottom
    where the vertical goes through each body, sensors at their heights, and the terrain's height.

    Things that the vertical passes by within ``radius`` count too: ``distance`` is that from the
    vertical to the surface, ``top`` and ``bottom`` the height where they are nearest. ``depth`` is
    from the terrain down to the top, ``clearance`` from the terrain up to the bottom. Places of
    address tables have the ``layer`` "places"; those without a height, as parcels are, come last.
    """
    (xy,) = positions([request.point], request.crs, city.storage)
    foot = np.array([*xy, _BOTTOM])
    reach = max(request.radius, 1e-3)
    box = np.array([[*(xy - reach), _BOTTOM, *(xy + reach), _TOP]])
    things = city.near(request.layers, box)
    chosen, low, high, away = _above_and_below(things, foot, request.radius)
    ground = float(on_ground(city, xy[None])[0])
    found = things.describe(chosen)
    for one, top, bottom, distance in zip(found, high, low, away, strict=True):
        one["top"], one["bottom"] = round(float(top), 3), round(float(bottom), 3)
        one["distance"] = round(float(distance), 3)
    if request.places:
        found += _places(city, xy, request.radius)
    found.sort(key=lambda one: np.inf if one["top"] is None else -one["top"])
    for one in found:
        if one["top"] is not None and np.isfinite(ground):
            if one["top"] < ground:
                one["depth"] = round(ground - one["top"], 3)
            elif one["bottom"] > ground:
                one["clearance"] = round(one["bottom"] - ground, 3)
    result: dict[str, Any] = {
        "point": [round(float(v), 3) for v in xy],
        "ground": round(ground, 3) if np.isfinite(ground) else None,
        "count": len(found),
        "features": found,
    }
    return answer(city, result, things, (*without_terrain(city), *_of_now(city, found)))


def _places(city: City, xy: Array, radius: float) -> list[dict[str, Any]]:
    """Places of address tables; a parcel that holds the place is at distance 0."""
    rows = space.places(city.conn, city.twin, float(xy[0]), float(xy[1]), radius)
    if len(rows) > space.MOST:
        raise BadRequestError(
            f"More than {space.MOST} names and addresses lie there. Ask for a smaller radius, or "
            "leave them out with places=false.",
            f"该处地名地址超过 {space.MOST} 个，请缩小半径，或用 places=false 略去。",
        )
    out = []
    for row in rows:
        height = None if row["height"] is None else round(float(row["height"]), 3)
        told = {name: row[name] for name in ("kind", "name", "address", "source") if row[name]}
        at = {"top": height, "bottom": height, "distance": round(float(row["away"]), 3)}
        out.append({"layer": "places", **told, **at})
    return out


def _of_now(city: City, found: list[dict[str, Any]]) -> tuple[Note, ...]:
    """The remark that places have no history, where an earlier state was asked for."""
    earlier = city.datetime is not None or city.as_of is not None
    if not earlier or all(one["layer"] != "places" for one in found):
        return ()
    return (
        Note(
            "PLACES-NOW",
            "地名地址表不记历史，其条目为当前状态。",
            "Address tables have no history: their places are those of now.",
        ),
    )


def _above_and_below(
    things: Things, foot: Array, radius: float
) -> tuple[Ints, Array, Array, Array]:
    """Things at the vertical over ``foot``: which, least and greatest height, distance from it."""
    soup = things.soup
    if not len(soup):
        return np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0)
    top = foot + np.array([0.0, 0.0, _TOP - _BOTTOM])
    enter, leave = ray(foot, np.array([0.0, 0.0, 1.0]), soup.triangles, soup.radius)
    through, first, last = spans(soup.owner, enter, leave)
    vertical = np.broadcast_to(np.stack([foot, top, top]), soup.triangles.shape)
    found = gaps(soup.triangles, vertical)
    away = np.maximum(found.distance - soup.radius, 0.0)
    order = np.lexsort((away, soup.owner))
    owner = soup.owner[order]
    best = order[np.flatnonzero(np.diff(owner, prepend=-1))]
    count = len(things)
    low, high, distance = (np.full(count, np.nan) for _ in range(3))
    distance[soup.owner[best]] = away[best]
    low[soup.owner[best]] = high[soup.owner[best]] = found.on_b[best, 2]
    low[through], high[through], distance[through] = first + foot[2], last + foot[2], 0.0
    chosen = np.flatnonzero(np.nan_to_num(distance, nan=np.inf) <= radius)
    return chosen, low[chosen], high[chosen], distance[chosen]
