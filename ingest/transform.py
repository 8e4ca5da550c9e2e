"""Tables of a delivery from their source CRS and vertical datum to the storage CRS.

Geometries are transformed vertex by vertex, heights at the place of their row. A BIM placement is
carried by its origin exactly, and its axes are turned and scaled by the derivative of the
transformation there (convergence and scale between the projections). What that leaves out grows
with the square of the distance d from the origin, at most 1e-7 d^2 / m within 3 degrees of a
central meridian: under 1 mm at 100 m. Bodies keep their origin among their vertices, so that d is
the size of one element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from models.crs import (
    StorageCrs,
    VerticalDatum,
    VerticalKind,
    inside_area,
    jacobian,
    same_horizontal,
    to_storage,
)

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

#: Columns that hold heights of the vertical datum (``neck_h`` is a length, not a height).
HEIGHTS: Final[dict[str, tuple[str, ...]]] = {
    "building": ("base_height",),
    "building_part": ("base_height",),
    "pipe_point": ("ground_h", "well_bottom_h"),
    "pipe_segment": ("from_top_h", "to_top_h", "from_invert_h", "to_invert_h"),
    "bim_element": ("storey_elevation",),
}


@dataclass(frozen=True, slots=True)
class Transform:
    """From ``horizontal`` and ``vertical`` (as :func:`models.crs.to_storage` takes them) to
    ``storage``; ``n_offset`` in metres is the twin's."""

    horizontal: str
    vertical: str
    storage: StorageCrs
    n_offset: float = 0.0

    def inside(self, geometry: Objects) -> Mask:
        """Rows all of whose vertices lie in the area of use; rows without geometry are inside."""
        coordinates, index = shapely.get_coordinates(geometry, return_index=True)
        usable = inside_area(coordinates[:, 0], coordinates[:, 1], self.horizontal, self.storage)
        inside = np.ones(len(geometry), dtype=bool)
        inside[index[~usable]] = False
        return inside

    def table(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """``frame`` of table ``name`` in storage coordinates; its geometry must be inside."""
        frame = frame.copy(deep=False)
        geometry = frame["geom"].to_numpy(dtype=object)
        self._heights(name, frame, geometry)
        if "placement" in frame.columns:
            frame["placement"] = self._placements(frame["placement"])
        frame["geom"] = self.geometry(geometry)
        return frame

    def geometry(self, geometry: Objects) -> Objects:
        """Geometries with every vertex transformed; those without Z stay without."""
        moved = geometry.copy()
        has_z = np.asarray(shapely.has_z(geometry), dtype=bool)
        for three, rows in ((True, has_z), (False, ~has_z)):
            coordinates = shapely.get_coordinates(geometry[rows], include_z=three)
            if len(coordinates) == 0:
                continue
            z = coordinates[:, 2] if three else None
            east, north, up = self.points(coordinates[:, 0], coordinates[:, 1], z)
            columns = (east, north, up) if three else (east, north)
            moved[rows] = shapely.set_coordinates(geometry[rows], np.column_stack(columns))
        return moved

    def points(self, x: Array, y: Array, z: Array | None) -> tuple[Array, Array, Array]:
        """East, north and 1985 height of points, which must be inside; NaN z stays NaN."""
        return to_storage(
            x, y, z, self.horizontal, self.vertical, self.storage, n_offset=self.n_offset
        )

    def _heights(self, name: str, frame: pd.DataFrame, geometry: Objects) -> None:
        """Bring the height columns to the 1985 datum, each at its end of the row's geometry."""
        first = _ends(geometry, 0)
        for column in HEIGHTS[name]:
            if column not in frame.columns:
                continue
            at = _ends(geometry, -1) if column.startswith("to_") else first
            values = pd.to_numeric(frame[column]).to_numpy(np.float64, na_value=np.nan)
            frame[column] = values + self._shift(at)

    def _shift(self, at: Array) -> Array | float:
        """Metres to add at each place (k, 2); rows without one take the middle of the others."""
        if VerticalDatum.parse(self.vertical).kind is not VerticalKind.ELLIPSOIDAL:
            zero = np.zeros(1)
            datum = VerticalDatum.parse(self.vertical)
            return float(datum.to_1985(zero, zero, zero, self.n_offset)[0])
        known: Mask = np.asarray(np.isfinite(at).all(axis=1))
        if not known.any():
            return np.full(len(at), np.nan)
        filled = np.where(known[:, None], at, np.median(at[known], axis=0))
        return self.points(filled[:, 0], filled[:, 1], np.zeros(len(at)))[2]

    def _placements(self, placements: pd.Series[Any]) -> Objects:
        """Row-major 4x4 matrices (16 floats, None without body) from mesh metres to storage."""
        moved = np.full(len(placements), None, dtype=object)
        there = placements.notna().to_numpy(dtype=bool)
        if not there.any():
            return moved
        matrices = np.stack(
            [np.asarray(item, np.float64).reshape(4, 4) for item in placements[there]]
        )
        origin = matrices[:, :3, 3].copy()
        matrices[:, :3, 3] = np.column_stack(self.points(*origin.T))
        if not same_horizontal(self.horizontal, self.storage.horizontal):
            turn = jacobian(origin[:, 0], origin[:, 1], self.horizontal, self.storage)
            matrices[:, :2, :3] = turn @ matrices[:, :2, :3]
        for row, matrix in zip(np.flatnonzero(there), matrices.reshape(-1, 16), strict=True):
            moved[row] = matrix  # numpy would spread a list of arrays over both axes
        return moved


def _ends(geometry: Objects, end: int) -> Array:
    """(k, 2) x, y of the first (0) or last (-1) point of lines, of the centre of anything else."""
    lines = shapely.get_type_id(geometry) == 1
    at = shapely.get_coordinates(shapely.get_point(geometry, end)) if lines.all() else None
    if at is not None and len(at) == len(geometry):
        return at
    boxes = np.asarray(shapely.bounds(geometry), dtype=np.float64).reshape(-1, 4)
    return (boxes[:, :2] + boxes[:, 2:]) / 2
