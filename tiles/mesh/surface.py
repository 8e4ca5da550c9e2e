"""The triangles that every function of this package returns, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tiles.content import F32, F64, U32, Material, Primitive


@dataclass(frozen=True, slots=True)
class Surface:
    """Triangles without a material.

    ``positions`` (n, 3) float64 metres; ``normals`` (n, 3) float32 of unit length; ``indices``
    (m, 3) uint32, counter-clockwise seen from outside; ``features`` (n,) uint32, the row of the
    property table that each vertex belongs to.
    """

    positions: F64
    normals: F32
    indices: U32
    features: U32

    @classmethod
    def empty(cls) -> Surface:
        """No triangle at all."""
        return cls(
            np.empty((0, 3)),
            np.empty((0, 3), np.float32),
            np.empty((0, 3), np.uint32),
            np.empty(0, np.uint32),
        )

    def primitive(self, material: Material, *, ordered: bool = False) -> Primitive:
        """The same triangles in ``material``; ``ordered`` as in :class:`Primitive`."""
        return Primitive(
            material, self.positions, self.normals, self.indices, self.features, ordered
        )


def join(surfaces: Sequence[Surface]) -> Surface:
    """All triangles of ``surfaces`` in one, in their order."""
    surfaces = [s for s in surfaces if len(s.indices)]
    if not surfaces:
        return Surface.empty()
    first = surfaces[0]
    if len(surfaces) == 1:
        return first
    if all(s.positions is first.positions for s in surfaces):  # they share their vertices
        indices = np.concatenate([s.indices for s in surfaces])
        return Surface(first.positions, first.normals, indices, first.features)
    starts = np.cumsum([0, *(len(s.positions) for s in surfaces[:-1])])
    return Surface(
        np.concatenate([s.positions for s in surfaces]),
        np.concatenate([s.normals for s in surfaces]),
        np.concatenate(
            [s.indices + np.uint32(k) for s, k in zip(surfaces, starts, strict=True)]
        ).astype(np.uint32),
        np.concatenate([s.features for s in surfaces]),
    )


def unit(vectors: F64, fallback: tuple[float, float, float] = (0.0, 0.0, 1.0)) -> F64:
    """``vectors`` (…, 3) scaled to length 1; zero ones become ``fallback``."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return np.where(length > 1e-12, vectors / np.maximum(length, 1e-12), np.array(fallback))
