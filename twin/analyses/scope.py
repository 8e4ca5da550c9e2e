"""Which segments an analysis is about: named ones, those in an area, or all."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from twin.analyses.names import segment_rows
from twin.analyses.pipework import Pipework, words
from twin.analyses.requests import Name, Names, Request, Ring, polygon

Rows = npt.NDArray[np.int64]


class ScopeRequest(Request):
    """Segments by name, or all whose centre line meets a polygon, or all; then only of a class."""

    segments: Names | None = Field(default=None, description="ids, keys or numbers of segments")
    polygon: Ring | None = Field(default=None, description="only segments that meet it in plan")
    class_code: Name | None = Field(
        default=None, description="only this class, CJJ 61-2017 code, major or minor"
    )

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.segments is not None and self.polygon is not None:
            raise ValueError(
                "give segments or polygon, not both", "segments 与 polygon 只能给出一个"
            )
        return self


def scope(pipework: Pipework, request: ScopeRequest) -> Rows:
    """Sorted segment rows of a request. Raises :class:`BadRequestError` as :mod:`.names`."""
    if request.segments is not None:
        rows = np.unique(segment_rows(pipework, request.segments))
    elif request.polygon is not None:
        area = polygon(request.polygon, request.crs, pipework.storage)
        pieces = pipework.tree.query(area, predicate="intersects")
        rows = np.unique(pipework.bodies.owner[pieces])
    else:
        rows = np.arange(len(pipework.segments))
    if request.class_code is not None:
        rows = rows[of_class(pipework, request.class_code)[rows]]
    return rows.astype(np.int64)


def of_class(pipework: Pipework, code: str) -> npt.NDArray[np.bool_]:
    """Segments (s,) of a class, major or minor."""
    from models.network.graph import major

    codes = words(pipework.segments, "class_code")
    names = {str(c) for c in set(codes)}
    wanted = {name for name in names if code in (name, major(name))}
    return np.isin(codes.astype(str), list(wanted))
