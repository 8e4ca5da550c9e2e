"""The point clouds of a twin, kept as delivered (:mod:`models.kept`); together they are a layer."""

from __future__ import annotations

import filecmp
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.crs import (
    STORAGE,
    StorageCrs,
    inside_area,
    storage_to_ecef,
    storage_to_geodetic,
    to_storage,
)
from models.errors import TwinError
from models.files import write_whole
from models.kept import Shelf

F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Extent = tuple[float, float, float, float]

#: Metres of 1985 height that a point can have: below the Dead Sea, above Everest.
LOWEST, HIGHEST = -500.0, 9000.0
#: Metres outside a twin's extent beyond which a point is taken for misplaced.
FAR: Final = 5_000.0
_METRES_PER_DEGREE: Final = 111_320.0


class CloudError(TwinError):
    """A stored point cloud of a twin cannot be used."""

    code = "PTC-00"


@dataclass(frozen=True, slots=True)
class CloudPassport:
    """What the check of a point cloud found.

    ``horizontal`` and ``vertical`` as in :class:`models.features.DatumPassport`; ``count`` points
    in the file, ``box`` (6) their true minimum and maximum x, y, z in units of the file and
    ``stated`` those of its header, from which ``stray`` points lie apart. ``classes`` counts ASPRS
    classes by code. ``colour_bits`` is 16, or 8 where colours were stored without scaling, or 0
    where there are none; ``intensity`` and ``returns`` are the greatest of each; ``times`` the
    first and last GPS time, ``adjusted`` tells that these are GPS seconds less 10^9.
    """

    name: str
    sha256: str
    horizontal: str
    vertical: str
    count: int
    box: tuple[float, ...]
    stated: tuple[float, ...]
    stray: int = 0
    withheld: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    colour_bits: int = 0
    intensity: int = 0
    returns: int = 0
    times: tuple[float, float] | None = None
    adjusted: bool = False
    n_offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Placement:
    """How the coordinates of a cloud become places, and which of them are refused.

    ``extent`` (degrees) is the twin's, None where it is not known.
    """

    horizontal: str
    vertical: str
    storage: StorageCrs = STORAGE
    n_offset: float = 0.0
    extent: Extent | None = None

    def holds(self, box: npt.ArrayLike) -> bool:
        """Whether everything within ``box`` (6, units of the file) is certainly a possible place,
        so that its points need not be asked one by one."""
        low, high = np.asarray(box, np.float64).reshape(2, 3)
        along = np.linspace(low[:2], high[:2], 9)
        x, y = (g.ravel() for g in np.meshgrid(along[:, 0], along[:, 1]))
        z = np.repeat([low[2], high[2]], x.size)
        points = np.column_stack([np.tile(x, 2), np.tile(y, 2), z])
        elsewhere, high_or_low = self.refused(points)
        return not (elsewhere | high_or_low).any()

    def refused(self, xyz: F64) -> tuple[Mask, Mask]:
        """(n,) points of ``xyz`` (n, 3) that lie outside the area of the CRS or far from the twin,
        and others whose height is impossible. NaN is elsewhere."""
        x, y, z = np.ascontiguousarray(xyz.T)
        elsewhere = ~inside_area(x, y, self.horizontal, self.storage) | ~np.isfinite(z)
        impossible = np.zeros(len(xyz), np.bool_)
        good = np.flatnonzero(~elsewhere)
        if good.size:
            e, n, h = self._storage(x[good], y[good], z[good])
            impossible[good] = ~((h >= LOWEST) & (h <= HIGHEST))
            if self.extent is not None:
                lon, lat, _ = storage_to_geodetic(e, n, np.zeros_like(e), self.storage)
                elsewhere[good] = ~_near(lon, lat, self.extent)
        return elsewhere, impossible & ~elsewhere

    def ecef(self, xyz: F64) -> F64:
        """(n, 3) geocentric metres of ``xyz`` (n, 3), none of which is :meth:`refused`.

        Raises as :func:`models.crs.to_storage`.
        """
        e, n, h = self._storage(*np.ascontiguousarray(xyz.T))
        return storage_to_ecef(e, n, h, self.storage, self.n_offset)

    def _storage(self, x: F64, y: F64, z: F64) -> tuple[F64, F64, F64]:
        return to_storage(
            x, y, z, self.horizontal, self.vertical, self.storage, n_offset=self.n_offset
        )


@dataclass(frozen=True, slots=True)
class Cloud:
    """A stored file and its passport."""

    path: Path
    passport: CloudPassport


def damaged(path: Path) -> CloudError:
    """The error that says so."""
    return CloudError(
        f"The point cloud kept as {path} is damaged. Ingest it again.",
        f"保存的点云 {path} 已损坏。请重新入库。",
    )


#: Where clouds are kept.
SHELF: Final[Shelf[CloudPassport, Cloud]] = Shelf(
    "pointcloud", ".las", lambda values: CloudPassport(**values), Cloud, damaged
)


def folder(home: Path, twin: str) -> Path:
    """Where the clouds of ``twin`` lie."""
    return SHELF.folder(home, twin)


def store_cloud(home: Path, twin: str, source: Path, passport: CloudPassport) -> Path:
    """Copy the cloud ``source`` (checked before) and make it one of the twin's; its new path.

    An older one of the same name is deleted, a copy that was damaged since is replaced. Raises
    :class:`OSError` where that cannot be written.
    """

    def copy(kept: Path) -> None:
        if not kept.exists() or not filecmp.cmp(source, kept, shallow=False):
            with source.open("rb") as stream:
                write_whole(kept, stream)

    return SHELF.put(home, twin, passport, copy)


def drop_cloud(cloud: Cloud) -> None:
    """Take a cloud from its twin. Raises :class:`OSError`."""
    SHELF.drop(cloud)


def clouds(home: Path, twin: str) -> list[Cloud]:
    """The clouds of ``twin`` in the order of their names and hashes.

    Raises :class:`CloudError` where a stored passport is damaged or its file is gone.
    """
    return SHELF.entries(home, twin)


def _near(lon: F64, lat: F64, extent: Extent) -> Mask:
    west, south, east, north = extent
    up = FAR / _METRES_PER_DEGREE
    along = up / np.cos(np.radians((south + north) / 2))
    inside: Mask = (lon >= west - along) & (lon <= east + along)
    inside &= (lat >= south - up) & (lat <= north + up)
    return inside
