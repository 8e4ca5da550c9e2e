"""变化比对 differences: what changed in a layer between two dates or two revisions."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pydantic import AwareDatetime, Field, model_validator

from models.db import space_changes
from models.db.space import Moment
from twin.analyses.answer import Answer
from twin.analyses.city import LAYERS, SHOWN, City
from twin.analyses.describe import plain
from twin.analyses.errors import BadRequestError
from twin.analyses.requests import Name, Request, Ring, polygon
from twin.analyses.space_requests import Layer, answer

Array = npt.NDArray[np.float64]

#: Columns whose values are too large to be shown; that they changed is told.
_LONG: Final = ("attrs", "psets", "placement", "mesh")


class DifferencesRequest(Request):
    """A layer in two states: ``before`` and the one of ``datetime`` and ``as_of``, by default now;
    or two revisions of a dataset."""

    layer: Layer
    before_datetime: AwareDatetime | None = Field(
        default=None, description="moment in the city of the earlier state; by default now"
    )
    before_as_of: AwareDatetime | None = Field(
        default=None, description="moment of record of the earlier state; by default now"
    )
    dataset: Name | None = Field(default=None, description="only this dataset")
    before_revision: Annotated[int | None, Field(ge=1, description="of `dataset`")] = None
    after_revision: Annotated[int | None, Field(ge=1, description="of `dataset`")] = None
    polygon: Ring | None = Field(default=None, description="only features that meet it in plan")
    most: Annotated[int, Field(ge=1, le=5000, description="features listed of each kind")] = 500

    @model_validator(mode="after")
    def _two_states(self) -> Self:
        numbered = self.before_revision is not None or self.after_revision is not None
        dated = self.before_datetime is not None or self.before_as_of is not None
        if numbered and (self.dataset is None or dated or self.datetime or self.as_of):
            raise ValueError(
                "revisions go with dataset and without moments",
                "版本号须与 dataset 一起给出，且不与时刻并用",
            )
        if self.before_revision is None and not dated:
            raise ValueError(
                "say what is compared: before_datetime, before_as_of or a revision",
                "请说明与何比较：before_datetime、before_as_of 或版本号",
            )
        return self


def differences(city: City, request: DifferencesRequest) -> Answer:
    """Features that were added, removed or changed between two states of a layer, by their stable
    ids. For each change the properties with values ``from`` and ``to``, and ``moved``: by how much
    (metres) the geometry's farthest vertex, or else its outline, lies elsewhere.

    States are moments of the city's time (``datetime``) and of the record (``as_of``); a revision
    stands for the moment at which it was recorded.
    """
    table = LAYERS[request.layer]
    first, second = _moments(city, request, table)
    area = None if request.polygon is None else polygon(request.polygon, request.crs, city.storage)
    found = space_changes.changes(city.conn, table, first, second, area)
    if found is None:
        raise BadRequestError(
            f"More than {space_changes.MOST} features differ. Give a polygon or a dataset.",
            f"差异要素超过 {space_changes.MOST} 个，请给出多边形或数据集。",
        )
    moved = _moved(found.before["geom"].to_numpy(object), found.after["geom"].to_numpy(object))
    most = request.most
    result: dict[str, Any] = {
        "before": _told(first),
        "after": _told(second),
        "counts": {
            "added": len(found.added),
            "removed": len(found.removed),
            "changed": len(found.after),
        },
        "added": _brief(found.added[:most], table),
        "removed": _brief(found.removed[:most], table),
        "changed": [
            {**one, "moved": _metres(moved[i]), "properties": _properties(found, table, i)}
            for i, one in enumerate(_brief(found.after[:most], table))
        ],
    }
    return answer(city, result, city.things({}))


def _moments(city: City, request: DifferencesRequest, table: str) -> tuple[Moment, Moment]:
    held = city.moment(table).datasets
    if request.dataset is not None:
        held = [s.id for s in city.sources if s.dataset == request.dataset and s.id in held]
        if not held:
            there = ", ".join(s.dataset for s in city.sources) or "-"
            raise BadRequestError(
                f"No dataset '{request.dataset}' has features of '{request.layer}'. "
                f"There are: {there}.",
                f"没有含“{request.layer}”要素的数据集“{request.dataset}”。现有：{there}。",
            )
    if request.before_revision is None:
        return (
            Moment(request.before_datetime, request.before_as_of, held),
            Moment(request.datetime, request.as_of, held),
        )
    first = _revision(city, request, request.before_revision, held)
    if request.after_revision is None:
        return first, Moment(None, None, held)
    return first, _revision(city, request, request.after_revision, held)


def _revision(
    city: City, request: DifferencesRequest, number: int, held: list[int] | Any
) -> Moment:
    found = space_changes.revision(city.conn, city.twin, str(request.dataset), number)
    if found is None:
        raise BadRequestError(
            f"Dataset '{request.dataset}' has no revision {number}.",
            f"数据集“{request.dataset}”没有第 {number} 版。",
        )
    recorded, counts_from = found
    return Moment(max(recorded, counts_from), recorded, held)


def _told(moment: Moment) -> dict[str, str | None]:
    def text(value: dt.datetime | None) -> str | None:
        return None if value is None else value.isoformat()

    return {"datetime": text(moment.datetime), "as_of": text(moment.as_of)}


def _brief(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    shown = ("id", *SHOWN[name])
    columns = [(n, table[n].to_list(), table[n].notna().to_list()) for n in shown]
    return [
        {n: plain(values[i]) for n, values, known in columns if known[i]} for i in range(len(table))
    ]


def _properties(found: space_changes.Changes, table: str, row: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in space_changes.columns(table):
        if name == "geom":
            continue
        old, new = found.before[name].iat[row], found.after[name].iat[row]
        if _same(old, new):
            continue
        out[name] = {} if name in _LONG else {"from": _value(old), "to": _value(new)}
    return out


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, list | dict | np.ndarray) or isinstance(new, list | dict | np.ndarray):
        return bool(np.array_equal(old, new)) if isinstance(old, np.ndarray) else bool(old == new)
    if pd.isna(old) or pd.isna(new):
        return bool(pd.isna(old) and pd.isna(new))
    return bool(old == new)


def _value(value: Any) -> Any:
    return None if not isinstance(value, list) and pd.isna(value) else plain(value)


def _moved(before: npt.NDArray[np.object_], after: npt.NDArray[np.object_]) -> Array:
    """How far geometries lie from one another: by vertices where they have as many, in space, else
    by their outlines (Hausdorff distance, in plan)."""
    out = np.full(len(before), np.nan)
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if old is None or new is None:
            continue
        a, b = (shapely.get_coordinates(g, include_z=True) for g in (old, new))
        if a.shape == b.shape:
            out[i] = np.linalg.norm(np.nan_to_num(a - b), axis=1).max(initial=0.0)
        else:
            out[i] = shapely.hausdorff_distance(old, new)
    return out


def _metres(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
