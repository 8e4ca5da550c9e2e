"""What a footprint layer has beside its canonical columns, a dictionary a row, typed as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.mapping.text import Json
from ingest.readers.footprint_columns import Layer
from ingest.readers.footprint_report import Objects


def attributes(layer: Layer, own: Sequence[dict[str, Any]] | None) -> Objects:
    """What has no canonical column, as a dictionary a row without its nulls.

    ``own`` are the attributes of a GeoJSON as its features write them, each value of a type of its
    own: GDAL has one type a column.
    """
    canonical = {layer.names[index] for index in layer.found.values()}
    known: set[str] = set().union(*own) if own is not None else set()
    rest = [i for i, name in enumerate(layer.names) if name not in canonical | known]
    attrs: Objects = np.empty(layer.report.count, dtype=object)
    attrs[:] = [
        {name: v for name, v in row.items() if v is not None and name not in canonical}
        for row in own or [{}] * layer.report.count
    ]
    if rest:
        columns = [_plain(layer.columns[index]) for index in rest]
        _add(attrs, [layer.names[index] for index in rest], columns)
    return attrs


def _add(attrs: Objects, names: list[str], columns: list[list[Any]]) -> None:
    for known, row in zip(attrs, zip(*columns, strict=True), strict=True):
        known |= {
            name: value
            for name, value in zip(names, row, strict=True)
            if value is not None and value == value
        }


def _plain(column: npt.NDArray[Any]) -> list[Any]:
    values: list[Any] = column.tolist()
    if column.dtype != object:
        return values
    return [value.value if isinstance(value, Json) else value for value in values]
