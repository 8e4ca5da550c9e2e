"""最近要素 nearest in space: what is closest to a place, by true surfaces."""

from __future__ import annotations

from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from models.space.soup import Soup
from models.space.triangles import gaps
from models.space.volumes import encloses
from twin.analyses.answer import Answer
from twin.analyses.city import City, Things
from twin.analyses.space_requests import Place, SpaceRequest, answer, places

Array = npt.NDArray[np.float64]

#: Where the search begins (m).
_FIRST: Final = 8.0


class NearestRequest(SpaceRequest):
    """A place in space, how many features and how far to look."""

    point: Place
    count: Annotated[int, Field(ge=1, le=200)] = 10
    reach: Annotated[float, Field(gt=0, le=1000, description="metres")] = 200.0


def nearest(city: City, request: NearestRequest) -> Answer:
    """The features nearest to a place in space, nearest first: distance to the outer surface (0
    inside a body) and the place there, ``on`` [east, north, height].

    Looks in boxes that double until enough are found within their reach, so that nothing nearer can
    be missed. Features without known heights cannot be judged and are counted in a note.
    """
    (place,) = places([request.point], request.crs, city.storage)
    reach = min(_FIRST, request.reach)
    while True:
        box = np.hstack([place - reach, place + reach])[None]
        things = city.near(request.layers, box)
        away, on = surface_distances(things, place)
        if (away <= reach).sum() >= request.count or reach >= request.reach:
            break
        reach = min(2 * reach, request.reach)
    order = np.argsort(away, kind="stable")
    chosen = order[away[order] <= request.reach][: request.count]
    features = things.describe(chosen)
    for index, one in zip(chosen, features, strict=True):
        one["distance"] = round(float(away[index]), 3)
        one["on"] = [round(float(v), 3) for v in on[index]]
    result: dict[str, Any] = {"count": len(chosen), "reach": request.reach, "features": features}
    return answer(city, result, things)


def surface_distances(things: Things, place: Array) -> tuple[Array, Array]:
    """Distance (n,) from ``place`` to the surface of each thing, 0 inside it and infinite where it
    has no body, and the place there (n, 3)."""
    soup, count = things.soup, len(things)
    away, on = np.full(count, np.inf), np.full((count, 3), np.nan)
    if len(soup):
        found = _to_surfaces(soup, place)
        order = np.lexsort((found[0], soup.owner))
        owner = soup.owner[order]
        best = order[np.flatnonzero(np.diff(owner, prepend=-1))]
        away[soup.owner[best]] = np.maximum(found[0][best], 0.0)
        on[soup.owner[best]] = found[1][best]
        inside = away == 0.0
        if soup.closed or (soup.radius == 0).any():
            inside |= encloses(soup, place, count) & np.isfinite(away) & _solid(things)
        away[inside], on[inside] = 0.0, place
    return away, on


def _solid(things: Things) -> npt.NDArray[np.bool_]:
    """Which things enclose a room: all but points."""
    return np.asarray(things.layer != "pipe-points", bool)


def _to_surfaces(soup: Soup, place: Array) -> tuple[Array, Array]:
    here = np.broadcast_to(place, soup.triangles.shape)
    found = gaps(soup.triangles, here)
    towards = place - found.on_a
    length = np.linalg.norm(towards, axis=1)
    step = np.divide(soup.radius, length, out=np.zeros_like(length), where=length > 0)
    return found.distance - soup.radius, found.on_a + np.minimum(step, 1.0)[:, None] * towards
