"""空间范围 within: what lies in a box, sphere, prism, frustum or around a line, in true space."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from models.space.volumes import meeting
from twin.analyses.answer import Answer
from twin.analyses.city import City
from twin.analyses.space_requests import VolumeRequest, answer, boxes


class WithinRequest(VolumeRequest):
    """A volume, and how many features are listed."""

    most: Annotated[int, Field(ge=1, le=10_000, description="features listed")] = 1000


def within(city: City, request: WithinRequest) -> Answer:
    """Features whose bodies meet a volume: pipes by their outer surface, buildings as extruded
    footprints, BIM elements by their meshes, points by their place.

    ``relation`` is ``within`` for a body wholly inside, else ``crosses``; ``distance`` (metres,
    sphere and line only) is from the centre or the line to the surface. A body that the volume lies
    in crosses it. Features without known heights cannot be judged and are counted in a note.
    """
    volume = request.volume(city.storage)
    things = city.near(request.layers, boxes(volume))
    found = meeting(volume, things.soup, len(things))
    chosen = np.flatnonzero(found.meets)
    names, counts = np.unique(things.layer[chosen].astype(str), return_counts=True)
    shown = chosen[: request.most]
    features = things.describe(shown)
    for index, one in zip(shown, features, strict=True):
        one["relation"] = "within" if found.within[index] else "crosses"
        if np.isfinite(found.distance[index]):
            one["distance"] = round(float(found.distance[index]), 3)
    result: dict[str, Any] = {
        "count": len(chosen),
        "by_layer": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "features": features,
    }
    return answer(city, result, things)
