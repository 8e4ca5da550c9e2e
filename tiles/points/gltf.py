"""Points → GLB: quantised positions, colours and attributes, the same bytes for the same input.

As :mod:`tiles.gltf_primitive` writes it, where half a step of the grid is 5 mm at most; the floats
of a tile too wide for it are rounded to 1/128 m (4 mm).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np

from tiles.gltf import METADATA, Profile
from tiles.gltf_buffers import FLOAT, UNSIGNED_BYTE, UNSIGNED_SHORT
from tiles.gltf_primitive import OnePrimitive
from tiles.points.metadata import CLASS, NO_TIME
from tiles.points.record import Attributes, Records

JsonObject: TypeAlias = dict[str, Any]

POINTS: Final = 0
#: Parts of a metre that float positions, and of a second that times, are rounded to: what is zero
#: in all of them costs nothing.
_METRE_PARTS, _SECOND_PARTS = 128.0, 1024.0
#: What a cloud without colours is drawn in, linear.
_PLAIN: Final = [0.6, 0.6, 0.6, 1.0]


def encode_points(
    points: Records, layer: Attributes, schema: Mapping[str, Any], profile: Profile
) -> bytes:
    """The GLB of ``points`` (one or more) with the attributes that ``layer`` has; ``schema`` as
    :func:`tiles.points.metadata.schema` gives it."""
    file = OnePrimitive(profile)
    file.positions(points["xyz"], _METRE_PARTS)
    if layer.colour:
        file.add("COLOR_0", UNSIGNED_BYTE, "VEC3", points["rgb"], normalized=True)
    properties: JsonObject = {"classification": {"attribute": "_CLASSIFICATION"}}
    file.add("_CLASSIFICATION", UNSIGNED_BYTE, "SCALAR", points["classification"])
    if layer.intensity:
        properties["intensity"] = {"attribute": "_INTENSITY"}
        file.add("_INTENSITY", UNSIGNED_SHORT, "SCALAR", points["intensity"])
    if layer.returns:
        properties["return_number"] = {"attribute": "_RETURN_NUMBER"}
        file.add("_RETURN_NUMBER", UNSIGNED_BYTE, "SCALAR", points["returns"])
    if layer.start is not None:
        known = np.isfinite(points["time"])
        first = float(np.floor(points["time"][known].min())) if known.any() else 0.0
        times = np.rint((points["time"] - first) * _SECOND_PARTS) / _SECOND_PARTS
        times[~known] = NO_TIME
        rounded = times.astype("<f4")
        properties["gps_time"] = {"attribute": "_GPS_TIME", "offset": first}
        file.add("_GPS_TIME", FLOAT, "SCALAR", rounded)
        if layer.long:
            properties["gps_time_rest"] = {"attribute": "_GPS_TIME_REST"}
            file.add("_GPS_TIME_REST", FLOAT, "SCALAR", (times - rounded).astype("<f4"))
    metadata = {
        "schema": schema,
        "propertyAttributes": [{"class": CLASS, "properties": properties}],
    }
    return file.glb(
        {"mode": POINTS, "extensions": {METADATA: {"propertyAttributes": [0]}}},
        {
            "name": "points",
            "pbrMetallicRoughness": {
                "baseColorFactor": [1.0, 1.0, 1.0, 1.0] if layer.colour else _PLAIN,
                "metallicFactor": 0.0,
                "roughnessFactor": 1.0,
            },
        },
        used=[METADATA],
        extensions={METADATA: metadata},
    )
