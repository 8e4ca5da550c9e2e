"""All instances of one mesh in one material, sliced for every tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tiles.content import F32, F64, Instances, Material
from tiles.mesh.ragged import I64
from tiles.mesh.surface import Surface


@dataclass(frozen=True, slots=True)
class Group:
    """All instances of one mesh in one material; ``points`` (k,) ascending, one each."""

    mesh: Surface
    material: Material
    points: I64
    translations: F64
    rotations: F32
    scales: F32

    def boxes(self, rows: I64) -> F64:
        """Boxes (k, 6) of the instances at places ``rows`` (k,): every mesh lies within ±0.5 in
        plan and -1..0.5 in z."""
        scales, at = self.scales[rows].astype(np.float64), self.translations[rows]
        reach, tall = np.hypot(scales[:, 0], scales[:, 1]) / 2, scales[:, 2]
        slant = 0.02 * tall  # plumb lines differ by less than that within 100 km
        low = np.column_stack([-reach - slant, -reach - slant, -tall - 0.02 * reach])
        high = np.column_stack([reach + slant, reach + slant, 0.5 * tall + 0.02 * reach])
        return np.hstack([at + low, at + high])

    def places(self, points: I64) -> tuple[I64, I64]:
        """Which of ``points`` (ascending) have an instance here, and the place of each of these."""
        at = np.searchsorted(self.points, points)
        hit = np.flatnonzero(self.points[np.minimum(at, len(self.points) - 1)] == points)
        return hit, at[hit]

    @classmethod
    def merged(cls, groups: Sequence[Group]) -> Group:
        """Groups of the same mesh and colour, without a point in common, as one."""
        first = groups[0]
        points = np.concatenate([g.points for g in groups])
        order = np.argsort(points, kind="stable")
        return cls(
            first.mesh,
            first.material,
            points[order],
            np.concatenate([g.translations for g in groups])[order],
            np.concatenate([g.rotations for g in groups])[order],
            np.concatenate([g.scales for g in groups])[order],
        )

    def take(self, rows: I64, shift: np.uint32) -> Instances | None:
        """The instances of the points ``rows`` (ascending), or None.

        Their feature ids are their places in ``rows`` plus ``shift``.
        """
        hit, at = self.places(rows)
        if not len(hit):
            return None
        return Instances(
            [self.mesh.primitive(self.material)],
            self.translations[at],
            self.rotations[at],
            self.scales[at],
            hit.astype(np.uint32) + shift,
        )
