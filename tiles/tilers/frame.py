"""From storage coordinates to a layer's ENU frame, feature by feature safe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.crs import STORAGE, StorageCrs, inside_area, storage_to_ecef
from models.errors import OutsideAreaError
from models.geocentric import INVERSE_FLATTENING, SEMI_MAJOR
from tiles.content import F64
from tiles.mesh.surface import unit

_SEMI_MINOR = SEMI_MAJOR * (1 - 1 / INVERSE_FLATTENING)


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """The ENU frame of one tileset over a storage CRS.

    ``matrix`` (4, 4) is ENU → ECEF (:func:`models.crs.enu_frame`); ``n_offset`` as in
    :func:`models.crs.storage_to_ecef`.
    """

    matrix: F64
    storage: StorageCrs = STORAGE
    n_offset: float = 0.0

    def enu(self, e: F64, n: F64, h: F64) -> F64:
        """(k, 3) ENU metres of east, north and 1985 height (k,) each.

        Points that are not finite or lie outside the storage CRS's area give NaN, so that one
        feature's fault does not stop the others.
        """
        out = np.full((len(e), 3), np.nan)
        sound = np.isfinite(e) & np.isfinite(n) & np.isfinite(h)
        if not sound.any():
            return out
        try:
            ecef = storage_to_ecef(e[sound], n[sound], h[sound], self.storage, self.n_offset)
        except OutsideAreaError:
            sound &= inside_area(
                np.where(sound, e, np.nan),
                np.where(sound, n, np.nan),
                self.storage.horizontal,
                self.storage,
            )
            ecef = storage_to_ecef(e[sound], n[sound], h[sound], self.storage, self.n_offset)
        out[sound] = (ecef - self.matrix[:3, 3]) @ self.matrix[:3, :3]
        return out

    def up(self, points: F64) -> F64:
        """Unit vectors (k, 3) along the plumb line at ENU ``points`` (k, 3).

        A height difference dh moves a point by dh times this. It is the ellipsoid's normal, taken
        at height 0: at 1 km above that is wrong by 0.6 µrad, 0.6 mm a kilometre.
        """
        ecef = points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return unit(ecef / (SEMI_MAJOR**2, SEMI_MAJOR**2, _SEMI_MINOR**2)) @ self.matrix[:3, :3]

    def jacobian(self, e: F64, n: F64, h: F64) -> F64:
        """(k, 3, 3) derivative of ENU by east, north, height: convergence, scale and tilt."""
        columns = []
        for de, dn, dh in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)):
            ahead = self.enu(e + 8 * de, n + 8 * dn, h + 8 * dh)
            behind = self.enu(e - 8 * de, n - 8 * dn, h - 8 * dh)
            columns.append((ahead - behind) / 16)
        return np.stack(columns, axis=2)
