"""How a GLB is written: which extensions a client must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Profile:
    """How a GLB is written. ``instancing`` false writes instances out as plain vertices; ``draco``
    (without the first two) packs triangles with KHR_draco_mesh_compression. ``outlines`` names the
    edges of features for clients to draw (CESIUM_primitive_outline; not with Draco, which gives
    vertices new numbers).

    A content takes ``weight`` times the bytes that it takes in ``DEFAULT``, and ``triangle_bytes``
    more a triangle, of which outlines add ``outline_bytes``: measured after gzip on cities of
    buildings with four and with 2,000 corners, on pipes and on BIM.
    """

    name: str
    quantize: bool
    meshopt: bool
    instancing: bool = True
    draco: bool = False
    outlines: bool = False
    weight: float = 1.0
    triangle_bytes: float = 0.0
    outline_bytes: float = 0.0

    def sizes(
        self, sizes: npt.NDArray[np.integer[Any]], triangles: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.integer[Any]]:
        """Bytes (n,) that features take which take ``sizes`` (n,) in ``DEFAULT``."""
        if self.weight == 1 and not self.triangle_bytes:
            return sizes
        more = self.triangle_bytes + self.outlines * self.outline_bytes
        return np.rint(self.weight * sizes + more * triangles).astype(np.int64)


DEFAULT: Final = Profile("default", quantize=True, meshopt=True)
COMPAT: Final = Profile(
    "compat",
    quantize=False,
    meshopt=False,
    instancing=False,
    weight=1.4,
    triangle_bytes=11.0,
    outline_bytes=5.0,
)
#: For clients without EXT_meshopt_compression. Smaller than COMPAT, slower to write than DEFAULT.
DRACO_PROFILE: Final = Profile("draco", quantize=False, meshopt=False, draco=True, weight=1.2)
PROFILES: Final = {profile.name: profile for profile in (DEFAULT, COMPAT, DRACO_PROFILE)}
