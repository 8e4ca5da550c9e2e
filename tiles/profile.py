"""How a GLB is written: which extensions a client must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Profile:
    """How a GLB is written. ``instancing`` false writes instances out as plain vertices; ``draco``
    (without the first two) packs triangles with KHR_draco_mesh_compression. ``outlines`` names the
    edges of features for clients to draw (CESIUM_primitive_outline; not with Draco, which gives
    vertices new numbers)."""

    name: str
    quantize: bool
    meshopt: bool
    instancing: bool = True
    draco: bool = False
    outlines: bool = False


DEFAULT: Final = Profile("default", quantize=True, meshopt=True)
COMPAT: Final = Profile("compat", quantize=False, meshopt=False, instancing=False)
#: For clients without EXT_meshopt_compression. Smaller than COMPAT, slower to write than DEFAULT.
DRACO_PROFILE: Final = Profile("draco", quantize=False, meshopt=False, draco=True)
PROFILES: Final = {profile.name: profile for profile in (DEFAULT, COMPAT, DRACO_PROFILE)}
