"""Primitives in KHR_draco_mesh_compression, decoded for the check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import DracoPy
import numpy as np
import numpy.typing as npt

JsonObject: TypeAlias = dict[str, Any]
Array: TypeAlias = npt.NDArray[Any]


def reader(
    data: bytes, primitive: JsonObject, packed: JsonObject, accessors: list[JsonObject]
) -> Callable[[int], Array]:
    """What reads the accessors of ``primitive``, whose Draco buffer is ``data``.

    Raises ValueError where it cannot be decoded, lacks an attribute, or has another number of
    vertices or indices than the accessors say; KeyError for an accessor that is not in it.
    """
    try:
        mesh = DracoPy.decode(data)
    except Exception as error:  # the library raises its own and others
        raise ValueError(f"a Draco buffer that cannot be decoded ({error})") from error
    found: dict[int, Array] = {}
    for name, number in packed["attributes"].items():
        values = next((a["data"] for a in mesh.attributes if a["unique_id"] == number), None)
        if values is None:
            raise ValueError(f"no attribute {number} ({name}) in its Draco buffer")
        found[primitive["attributes"][name]] = values
    faces = getattr(mesh, "faces", None)
    if "indices" in primitive and faces is not None:
        found[primitive["indices"]] = np.asarray(faces).reshape(-1, 1)
    for at, values in found.items():
        if len(values) != accessors[at]["count"]:
            raise ValueError(f"{len(values)} Draco elements, {accessors[at]['count']} stated")
    return found.__getitem__
