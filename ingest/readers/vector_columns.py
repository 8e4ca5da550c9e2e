"""The columns of a layer as GDAL hands them over in Arrow, with the types that the source has.

Runs in the isolated processes that read vector files. Whole numbers and Booleans stay what they are
where some are null, and whole numbers are exact to 64 bits; days and times are ISO 8601. Codes stay
codes where the source says what they mean. Lists, and texts that the source declares to be JSON,
are columns of JSON text (``documents``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
#: Coordinates in the text of a GeoJSON; inside of a text the quotation marks would be escaped.
_COORDINATES: Final = re.compile(rb'"coordinates"\s*:\s*\[[\d\s.,eE+\-\[\]]*\]')
#: Members of a GeoJSON feature that are no attributes where it has no ``properties``.
_MEMBERS: Final = frozenset({"type", "id", "bbox", "geometry"})
_LISTS: Final = ("list", "large_list", "fixed_size_list")


@dataclass(frozen=True, slots=True)
class Columns:
    """``values`` of ``names``, None or NaN where null; ``documents`` are the indices of JSON text,
    ``left_out`` the names of columns of binary data, which JSON does not hold."""

    names: list[str]
    values: list[npt.NDArray[Any]]
    documents: list[int]
    left_out: list[str]


def columns(names: list[str], table: Any) -> Columns:
    """The columns ``names`` of a :class:`pyarrow.Table`, which are its first."""
    out = Columns([], [], [], [])
    for index, name in enumerate(names):
        column = table.column(index)
        if pa.types.is_dictionary(column.type):  # GDAL's indices are the codes, its values words
            indices = [chunk.indices for chunk in column.chunks]
            column = pa.chunked_array(indices, column.type.index_type)
        if _is(column, "binary", "large_binary", "fixed_size_binary"):
            out.left_out.append(name)
            continue
        if _is(column, *_LISTS) or isinstance(column.type, pa.JsonType):
            out.documents.append(len(out.names))
        out.names.append(name)
        out.values.append(_values(column))
    return out


def _is(column: Any, *kinds: str) -> bool:
    return any(getattr(pa.types, f"is_{kind}")(column.type) for kind in kinds)


def _values(column: Any) -> npt.NDArray[Any]:
    kind = column.type
    if pa.types.is_floating(kind) or (
        not column.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind))
    ):
        return np.asarray(column.to_numpy())
    values = column.to_pylist()
    if _is(column, *_LISTS):
        values = [None if value is None else orjson.dumps(value).decode() for value in values]
    elif pa.types.is_temporal(kind):
        values = [None if value is None else value.isoformat() for value in values]
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def save(path: Path, values: Any) -> None:
    """Write what JSON holds, without the character U+0000, which no database text can hold."""
    text = orjson.dumps(values)
    path.write_bytes(_NUL.sub(rb"\1", text) if rb"\u0000" in text else text)


def geojson_features(path: str) -> list[dict[str, Any]] | None:
    """The features of a GeoJSON that GDAL makes rows of, in order, with 0 for coordinates where
    that spares parsing them; None where GDAL reads it otherwise than JSON."""
    text = Path(path).read_bytes()
    bare, count = _COORDINATES.subn(b'"coordinates":0', text)
    found = _features(bare)
    if found is not None and sum(map(_emptied, found)) == count:
        return found
    return _features(text)  # a property is called so, or a geometry has several


def _features(text: bytes) -> list[dict[str, Any]] | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            document = json.loads(text)  # which takes NaN and Infinity, as GDAL does
        except (ValueError, RecursionError):
            return None
    found = document.get("features", [document]) if isinstance(document, dict) else None
    if not isinstance(found, list):
        return None
    return [one for one in found if isinstance(one, dict) and one.get("type") == "Feature"]


def _emptied(feature: dict[str, Any]) -> bool:
    geometry = feature.get("geometry")
    return isinstance(geometry, dict) and geometry.get("coordinates") == 0


def properties(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attributes of GeoJSON features."""
    return [_own(one) for one in features]


def _own(feature: dict[str, Any]) -> dict[str, Any]:
    own = feature.get("properties")
    if isinstance(own, dict):
        return own
    if "properties" in feature:
        return {}
    return {name: value for name, value in feature.items() if name not in _MEMBERS}
