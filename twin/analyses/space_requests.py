"""Places, volumes and layers of requests about space, turned into the storage CRS.

Heights of requests are always 1985 heights, whatever the CRS of their plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.crs import StorageCrs
from models.space.volumes import Volume, around, ball, box, frustum, prism
from twin.analyses.answer import Answer, Note
from twin.analyses.city import City, Things
from twin.analyses.describe import VERTICAL
from twin.analyses.errors import BadRequestError
from twin.analyses.requests import MOST_POSITIONS, Request, Ring, polygon, positions

Array = npt.NDArray[np.float64]

Height = Annotated[float, Field(ge=-500, le=9000, description="1985 height in metres")]
#: A place in space [east or longitude, north or latitude, 1985 height].
Place = Annotated[list[float], Field(min_length=3, max_length=3)]
Layer = Literal["buildings", "building-parts", "bim-elements", "pipe-segments", "pipe-points"]
Layers = Annotated[list[Layer], Field(min_length=1, max_length=5)]
ALL: Final[list[Layer]] = [
    "buildings",
    "building-parts",
    "bim-elements",
    "pipe-segments",
    "pipe-points",
]
#: Longest side of a volume's box (m); what is larger is a question for the collections.
_LONGEST: Final = 5000.0


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Sphere(_Part):
    """All within ``radius`` metres of ``centre``."""

    centre: Place
    radius: Annotated[float, Field(gt=0, le=1000)]


class Prism(_Part):
    """A polygon between two heights."""

    polygon: Ring
    low: Height
    high: Height

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be below high", "low 应小于 high")
        return self


class Surroundings(_Part):
    """All within ``distance`` metres of a line in space."""

    line: Annotated[list[Place], Field(min_length=2, max_length=MOST_POSITIONS)]
    distance: Annotated[float, Field(gt=0, le=500)]


class SpaceRequest(Request):
    """``layers`` that are looked at; by default all."""

    layers: Layers = Field(default=ALL, description="names of collections; by default all")


class VolumeRequest(SpaceRequest):
    """Exactly one volume."""

    box: Annotated[
        list[float] | None,
        Field(
            min_length=6,
            max_length=6,
            description="[west, south, low, east, north, high], along the storage CRS's axes",
        ),
    ] = None
    sphere: Sphere | None = None
    prism: Prism | None = None
    frustum: Annotated[
        list[Place] | None,
        Field(
            min_length=8,
            max_length=8,
            description="corners: four of the near face in order, then those of the far face",
        ),
    ] = None
    around: Surroundings | None = None

    @model_validator(mode="after")
    def _one_volume(self) -> Self:
        if sum(v is not None for v in self._volumes()) != 1:
            raise ValueError(
                "give one of box, sphere, prism, frustum and around",
                "box、sphere、prism、frustum、around 应给且只给一个",
            )
        return self

    def _volumes(self) -> tuple[Any, ...]:
        return self.box, self.sphere, self.prism, self.frustum, self.around

    def volume(self, storage: StorageCrs) -> Volume:
        """The volume in the storage CRS. Raises :class:`BadRequestError`."""
        if self.box is not None:
            return _box(places([self.box[:3], self.box[3:]], self.crs, storage))
        if self.sphere is not None:
            return ball(places([self.sphere.centre], self.crs, storage)[0], self.sphere.radius)
        if self.prism is not None:
            shape = polygon(self.prism.polygon, self.crs, storage)
            return _limited(prism(shape, self.prism.low, self.prism.high))
        if self.frustum is not None:
            return _frustum(places(self.frustum, self.crs, storage))
        assert self.around is not None
        line = places(self.around.line, self.crs, storage)
        return _limited(around(line, self.around.distance))


def places(values: Sequence[Sequence[float]], crs: str | None, storage: StorageCrs) -> Array:
    """(n, 3) east, north, 1985 height of ``values``. Raises :class:`BadRequestError`."""
    xyz = np.asarray(values, np.float64)
    return np.column_stack([positions(xyz[:, :2].tolist(), crs, storage), xyz[:, 2]])


def boxes(volume: Volume) -> Array:
    """Boxes (n, 6) that together hold the volume: one, or one a leg for surroundings of a line."""
    if volume.radius and len(volume.surface) > 1:
        low, high = volume.surface.bounds()
        return np.hstack([low - volume.radius, high + volume.radius])
    return np.hstack(volume.box)[None]


def answer(city: City, result: dict[str, Any], used: Things, notes: Sequence[Note] = ()) -> Answer:
    """An answer with datum, accuracy and revisions of what was read."""
    bodiless = used.bodiless()
    told = list(notes)
    if bodiless:
        told.append(
            Note(
                "BODY-UNKNOWN",
                f"{bodiless} 个要素缺高程、高度或几何，无法判断其空间位置，未计入结果，请核查。",
                f"{bodiless} features lack a height, a size or a geometry: where they are in space "
                "is unknown and they are not in the result; look them up.",
            )
        )
    return Answer(result, datum(city), accuracy(city, used), revisions(city), tuple(told))


def datum(city: City) -> dict[str, Any]:
    """CRS and heights of every number in an answer, and what each dataset declared."""
    return {
        "horizontal": city.storage.horizontal,
        "vertical": VERTICAL,
        "axis_order": ["east", "north", "height"],
        "datasets": [
            {
                "dataset": s.dataset,
                "horizontal": s.passport.horizontal,
                "vertical": s.passport.vertical,
                "epoch": s.passport.epoch,
                "method": s.passport.method,
                "accuracy": s.passport.accuracy,
            }
            for s in city.sources
        ],
    }


def accuracy(city: City, used: Things) -> dict[str, Any]:
    """Mean errors of the pipes and points used, 1 sigma in metres; those of other features are what
    their datasets declare (``datum``)."""
    return {
        "sigma": 1,
        "unit": "m",
        "plan": _span(used.sigma[:, 0]),
        "height": _span(used.sigma[:, 1]),
    }


def revisions(city: City) -> list[dict[str, Any]]:
    """Datasets with number and moment of record of the revision that was read."""
    return [
        {"dataset": s.dataset, "number": s.number, "recorded": s.recorded.isoformat()}
        for s in city.sources
    ]


def _span(values: Array) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    return {
        "least": round(float(known.min()), 3) if known.size else None,
        "greatest": round(float(known.max()), 3) if known.size else None,
        "unknown": int(values.size - known.size),
    }


def _box(corners: Array) -> Volume:
    if not (corners[0] < corners[1]).all():
        raise BadRequestError(
            "The box must be west, south, low, east, north, high, each less than its partner.",
            "长方体应为西、南、低、东、北、高，且前者小于后者。",
        )
    return _limited(box(corners[0], corners[1]))


def _frustum(corners: Array) -> Volume:
    volume = frustum(corners)
    triangles = volume.surface.triangles
    flat = np.linalg.matrix_rank(corners - corners.mean(axis=0), tol=1e-6) < 3
    assert volume.holds is not None
    inside = triangles.mean(axis=1) * 0.999 + corners.mean(axis=0) * 0.001
    if flat or not volume.holds(inside).all():
        raise BadRequestError(
            "The frustum is not convex. Give the near face's four corners in order, then the far "
            "face's in the same order.",
            "视锥体不是凸体。请按顺序给出近面四个角点，再按相同顺序给出远面四个角点。",
        )
    return _limited(volume)


def _limited(volume: Volume) -> Volume:
    low, high = volume.box
    longest = float((high - low)[:2].max())
    if longest > _LONGEST:
        raise BadRequestError(
            f"The volume is {longest:.0f} m long; at most {_LONGEST:.0f} m are looked through.",
            f"范围长 {longest:.0f} m，最长 {_LONGEST:.0f} m，请缩小。",
        )
    return volume


def on_ground(city: City, xy: Array) -> Array:
    """1985 heights (n,) of the terrain; NaN without a DEM or outside it."""
    if city.terrain is None:
        return np.full(len(xy), np.nan)
    return city.terrain.sample(xy[:, 0], xy[:, 1])


def point(values: Sequence[float], crs: str | None, storage: StorageCrs) -> shapely.Point:
    """A place in plan. Raises :class:`BadRequestError`."""
    return shapely.Point(positions([values], crs, storage)[0])
