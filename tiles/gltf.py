"""Content → GLB: pure, deterministic, the same bytes for the same input.

Frames: everything below the root node is in the tileset's ENU frame (z up); the root node's matrix
turns it to glTF's y up, and a 3D Tiles client turns it back, so tile coordinates are ENU again.
Mesh nodes carry the quantisation grid as translation and uniform scale; instance nodes carry a
centre to which float32 translations are relative.

Every vertex and instance has its feature as ``_FEATURE_ID_0`` (EXT_mesh_features,
EXT_instance_features), all pointing into the one property table of the file. Materials that differ
in colour alone are merged first (:mod:`tiles.merge`).
"""

from __future__ import annotations

from dataclasses import replace

from tiles.content import Content
from tiles.gltf_check import check
from tiles.gltf_document import ENU_TO_Y_UP, METADATA, QUANTIZATION, Document
from tiles.instances import expand
from tiles.merge import merged
from tiles.profile import COMPAT, DEFAULT, DRACO_PROFILE, PROFILES, Profile

__all__ = [
    "COMPAT",
    "DEFAULT",
    "DRACO_PROFILE",
    "ENU_TO_Y_UP",
    "METADATA",
    "PROFILES",
    "QUANTIZATION",
    "Profile",
    "encode",
]


def encode(content: Content, profile: Profile = DEFAULT) -> bytes:
    """The GLB of ``content``.

    Raises :class:`tiles.errors.ContentError` if the content's arrays or columns do not fit
    together. A decoded coordinate differs from the input by what :mod:`tiles.compress` states;
    ``COMPAT`` writes float32 relative to the tile's centre.
    """
    check(content)
    if not profile.instancing:
        shapes = [shape for group in content.instances for shape in expand(group)]
        content = replace(content, primitives=[*content.primitives, *shapes], instances=())
    return Document(merged(content), profile).glb()
