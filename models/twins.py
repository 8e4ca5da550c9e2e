"""Twin definitions: one YAML file a twin, in ``models/data/twins`` or a folder of the user's.

A new twin is a new file; no code names one. Fields are described in ``models/data/README.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import TwinDefinitionError, UnknownTwinError

FOLDER: Final = Path(__file__).parent / "data" / "twins"

#: Every layer that a twin may have.
LAYERS: Final = (
    "buildings",
    "bim",
    "pipes",
    "roads",
    "rail",
    "underground",
    "planning",
    "pointcloud",
    "mesh",
    "terrain",
    "imagery",
    "sensors",
)

_METRES_PER_DEGREE: Final = 111_320.0

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]


class TwinDefinition(BaseModel):
    """What a twin is: its names, place, heights and layers.

    ``centre`` is (longitude, latitude) and ``extent`` (west, south, east, north), in degrees of
    CGCS2000. ``ground_height`` is the typical ground in metres of the 1985 datum, ``n_offset`` what
    :func:`models.crs.to_storage` calls so. ``verified`` tells which numbers a survey confirmed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    name_zh: Annotated[str, Field(min_length=1, max_length=100)]
    name_en: Annotated[str, Field(min_length=1, max_length=100)]
    centre: tuple[Longitude, Latitude]
    extent: tuple[Longitude, Latitude, Longitude, Latitude]
    ground_height: Annotated[float, Field(ge=-500, le=9000)]
    n_offset: Annotated[float, Field(ge=-5, le=5)] = 0.0
    verified: dict[str, bool] = Field(default_factory=dict)
    layers: tuple[str, ...] = LAYERS[:3]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        west, south, east, north = self.extent
        if not (west < east and south < north):
            raise ValueError("extent must be west, south, east, north with west < east")
        if not (west <= self.centre[0] <= east and south <= self.centre[1] <= north):
            raise ValueError("centre must lie inside extent")
        if unknown := [layer for layer in self.layers if layer not in LAYERS]:
            raise ValueError(f"unknown layers {unknown}; there are {list(LAYERS)}")
        return self

    @property
    def lon(self) -> float:
        """Longitude of the centre."""
        return self.centre[0]

    @property
    def lat(self) -> float:
        """Latitude of the centre."""
        return self.centre[1]

    def contains(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike, margin: float = 0.0
    ) -> npt.NDArray[np.bool_]:
        """Which points (degrees) lie in the extent, widened by ``margin`` metres on each side."""
        west, south, east, north = self.extent
        up = margin / _METRES_PER_DEGREE
        along = up / np.cos(np.radians(self.centre[1]))
        x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        inside: npt.NDArray[np.bool_] = (x >= west - along) & (x <= east + along)
        inside &= (y >= south - up) & (y <= north + up)
        return inside


def load_twins(extra: Path | None = None) -> Mapping[str, TwinDefinition]:
    """Every twin by id, from our own folder and from ``extra``, in the order of their ids.

    Raises :class:`TwinDefinitionError` for a file that is not a valid definition, a file name that
    is not its id, or an id that is defined twice.
    """
    found: dict[str, TwinDefinition] = {}
    for folder in (FOLDER, extra):
        for path in sorted(folder.glob("*.yaml")) if folder is not None else ():
            twin = read_twin(path)
            if twin.id in found:
                raise TwinDefinitionError(
                    f"{path}: twin {twin.id} is defined already. Choose another id.",
                    f"{path}：孪生体 {twin.id} 已有定义。请改用其他标识。",
                )
            found[twin.id] = twin
    return MappingProxyType(dict(sorted(found.items())))


def find_twin(twins: Mapping[str, TwinDefinition], twin: str) -> TwinDefinition:
    """The definition of ``twin``. Raises :class:`UnknownTwinError`, which lists those there are."""
    if (found := twins.get(twin)) is not None:
        return found
    known = ", ".join(twins) or "-"
    raise UnknownTwinError(
        f"There is no twin {twin!r}. Choose one of: {known}; or add a definition file.",
        f"没有名为“{twin}”的孪生体。可选：{known}；或新增定义文件。",
    )


def read_twin(path: Path) -> TwinDefinition:
    """Read one definition file. Raises :class:`TwinDefinitionError`."""
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        twin = TwinDefinition.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise _unusable(path, faults) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unusable(path, " ".join(str(error).split())) from None
    if path.stem != twin.id:
        raise _unusable(path, f"id: found {twin.id!r}, expected the file's name {path.stem!r}")
    return twin


def _unusable(path: Path, faults: str) -> TwinDefinitionError:
    return TwinDefinitionError(
        f"{path}: not a usable twin definition. {faults}. Correct the file.",
        f"{path}：孪生体定义不可用。{faults}。请修改该文件。",
    )
