"""What every request has in common, and positions in it turned into the storage CRS."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.crs import StorageCrs, to_storage
from models.errors import DatumError, OutsideAreaError
from models.validity import reason
from twin.analyses.errors import BadRequestError

Array = npt.NDArray[np.float64]

#: A position [x = east or longitude, y = north or latitude].
Position = Annotated[list[float], Field(min_length=2, max_length=2)]
#: At most this many positions in one request.
MOST_POSITIONS: Final = 2000
Line = Annotated[
    list[Position],
    Field(
        min_length=2,
        max_length=MOST_POSITIONS,
        description="positions [east, north] in `crs`, in order",
    ),
]
Ring = Annotated[
    list[Position],
    Field(
        min_length=3,
        max_length=MOST_POSITIONS,
        description="corners [east, north] in `crs`; the ring closes itself",
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[list[Name], Field(min_length=1, max_length=MOST_POSITIONS)]


class Request(BaseModel):
    """Fields of every request. ``crs`` says what positions are in; None is the storage CRS."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    crs: Name | None = Field(
        default=None,
        description="CRS of positions, east (longitude) first: EPSG:4549, EPSG:4490, EPSG:4326, "
        "OGC:CRS84; by default the twin's storage CRS",
    )
    datetime: AwareDatetime | None = Field(
        default=None, description="moment in the city; by default now"
    )
    as_of: AwareDatetime | None = Field(
        default=None, description="moment of record: what was known then; by default now"
    )

    def moments(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """``datetime`` and ``as_of``."""
        return self.datetime, self.as_of


def positions(values: Sequence[Sequence[float]], crs: str | None, storage: StorageCrs) -> Array:
    """(n, 2) east, north of ``values`` in the storage CRS, metres.

    Raises :class:`BadRequestError` for a CRS that is unknown or positions outside its area.
    """
    xy = np.asarray(values, np.float64).reshape(-1, 2)
    try:
        east, north, _ = to_storage(
            xy[:, 0], xy[:, 1], None, crs or storage.horizontal, "1985", storage
        )
    except (DatumError, OutsideAreaError) as error:
        raise BadRequestError(error.en, error.zh) from error
    return np.column_stack([east, north])


def line(values: Sequence[Sequence[float]], crs: str | None, storage: StorageCrs) -> Array:
    """(n, 2) vertices of a line without repeated ones.

    Raises :class:`BadRequestError` where fewer than two are left.
    """
    xy = positions(values, crs, storage)
    kept = xy[np.r_[True, np.hypot(*np.diff(xy, axis=0).T) > 1e-6]]
    if len(kept) < 2:
        raise BadRequestError(
            "The line has no length. Give two different positions.",
            "所给的线长度为零。请给出两个不同的位置。",
        )
    return kept


def polygon(
    values: Sequence[Sequence[float]], crs: str | None, storage: StorageCrs
) -> shapely.Polygon:
    """The polygon within a ring. Raises :class:`BadRequestError` for one that crosses itself or
    has no area."""
    shape = shapely.Polygon(positions(values, crs, storage))
    if not shape.is_valid or shape.area < 1e-4:
        en, zh = ("it has no area", "面积为零") if shape.is_valid else reason(shape)
        raise BadRequestError(
            f"The polygon cannot be used: {en}. Give its corners in order, without crossings.",
            f"多边形不可用：{zh}。请按顺序给出角点，边线不得相交。",
        )
    return shapely.orient_polygons(shape)
