"""EXT_structural_metadata: the schema of a layer and the property table of a tile.

A layer has one class, and its schema is the same in every tile: CesiumJS styles one property table
a tile, by property id. Missing values are written as the property's noData; a column in which every
value is missing is left out of the table, which the specification gives the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.yaml_data import read_yaml
from tiles.content import Column, Content
from tiles.errors import ContentError

JsonObject: TypeAlias = dict[str, Any]

UNKNOWN: Final = "unknown"  # enum value 0

_DTYPES: Final[dict[str, npt.DTypeLike]] = {
    "FLOAT64": "<f8",
    "FLOAT32": "<f4",
    "INT32": "<i4",
    "UINT32": "<u4",
    "INT16": "<i2",
    "UINT8": "<u1",
    "UINT16": "<u2",
}
#: 3D Metadata semantics: what a client may show as identity and title of a feature.
_SEMANTICS: Final = {"id": "ID", "name": "NAME"}
#: The first characters that take two, three and four bytes of UTF-8.
_WIDER: Final = (0x80, 0x800, 0x10000)
_IDENTIFIER: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enumeration of :file:`tiles/data/enums.yaml`; ``numbers`` are by value name."""

    id: str
    zh: str
    en: str
    numbers: dict[str, int]
    labels: dict[str, tuple[str, str]]

    @property
    def value_type(self) -> str:
        """The smallest unsigned component type that holds every number."""
        return "UINT8" if max(self.numbers.values()) < 256 else "UINT16"


@cache
def enumerations() -> dict[str, Enumeration]:
    """All enumerations by id. A tiler folds its words to these before it makes a Column."""
    text = resources.files("tiles").joinpath("data/enums.yaml").read_text(encoding="utf-8")
    return {
        key: Enumeration(
            key,
            entry["zh"],
            entry["en"],
            {UNKNOWN: 0} | {name: int(value[0]) for name, value in entry["values"].items()},
            {UNKNOWN: ("未知", "Unknown")}
            | {name: (value[1], value[2]) for name, value in entry["values"].items()},
        )
        for key, entry in read_yaml(text).items()
    }


def schema(class_name: str, columns: Sequence[Column]) -> JsonObject:
    """The layer's metadata schema, as glTF and tileset JSON have it.

    Depends on ids, types, names, units and enums of the columns, never on values. Raises
    :class:`tiles.errors.ContentError` for an id that is no identifier or an unknown enum.
    """
    for identifier in (class_name, *(column.id for column in columns)):
        if _IDENTIFIER.fullmatch(identifier) is None:
            raise ContentError(
                f"{identifier!r} is no metadata identifier; expected letters, digits and _.",
                f"{identifier!r} 不是合法的元数据标识符；应由字母、数字和下划线组成。",
            )
    used = sorted({_enum(column).id for column in columns if column.type == "ENUM"})
    out: JsonObject = {
        "id": f"cim_twin_{class_name}",
        "classes": {class_name: {"properties": {c.id: _property(c) for c in columns}}},
    }
    if used:
        out["enums"] = {key: _enum_json(enumerations()[key]) for key in used}
    return out


def property_table(content: Content, add_view: Callable[[bytes], int]) -> JsonObject:
    """The property table of ``content``; ``add_view`` stores bytes and returns a buffer view.

    Raises :class:`tiles.errors.ContentError` where a value does not fit its column, is the noData
    value itself, or an id is missing.
    """
    properties: JsonObject = {}
    for column in content.columns:
        if len(column.values) != content.count:
            raise _misfit(column, f"{len(column.values)} rows", f"{content.count} rows")
        if column.type == "STRING":
            encoded = _strings(column)
            if encoded is not None:
                data, offsets = encoded
                properties[column.id] = {
                    "values": add_view(data),
                    "stringOffsets": add_view(offsets.tobytes()),
                    "stringOffsetType": f"UINT{8 * offsets.itemsize}",
                }
            continue
        values = _enum_numbers(column) if column.type == "ENUM" else _numbers(column)
        if values is not None:
            properties[column.id] = {"values": add_view(values.tobytes())}
    return {"class": content.class_name, "count": content.count, "properties": properties}


def no_data(column_type: str) -> float | int | str:
    """The value that stands for a missing one: the end of the range that no real value reaches."""
    if column_type == "STRING":
        return ""
    if column_type == "ENUM":
        return UNKNOWN
    if column_type == "FLOAT64":
        return float(np.finfo(np.float64).min)
    if column_type == "FLOAT32":
        return float(np.finfo(np.float32).min)
    info = np.iinfo(np.dtype(_DTYPES[column_type]))
    return int(info.min or info.max)


def _property(column: Column) -> JsonObject:
    out: JsonObject = {"name": column.name_zh, "description": column.name_en}
    if column.unit:
        out["description"] += f" [{column.unit}]"
        out["extras"] = {"unit": column.unit}
    if column.type == "STRING":
        out["type"] = "STRING"
    elif column.type == "ENUM":
        out |= {"type": "ENUM", "enumType": _enum(column).id}
    else:
        out |= {"type": "SCALAR", "componentType": column.type}
    if column.id in _SEMANTICS:
        out["semantic"] = _SEMANTICS[column.id]
    if column.id == "id":
        out["required"] = True
    else:
        out["noData"] = no_data(column.type)
    return out


def _enum_json(entry: Enumeration) -> JsonObject:
    return {
        "name": f"{entry.zh} {entry.en}",
        "valueType": entry.value_type,
        "values": [
            {"name": name, "value": number, "description": " ".join(entry.labels[name])}
            for name, number in entry.numbers.items()
        ],
    }


def _enum(column: Column) -> Enumeration:
    found = enumerations().get(column.enum or "")
    if found is None:
        raise _misfit(column, f"enum {column.enum!r}", f"one of {', '.join(enumerations())}")
    return found


def _objects(column: Column) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
    values = np.empty(len(column.values), dtype=object)
    values[:] = list(column.values)
    return values, np.asarray(pd.isna(values), dtype=bool)


def _strings(column: Column) -> tuple[bytes, npt.NDArray[np.unsignedinteger[Any]]] | None:
    """UTF-8 bytes and n + 1 offsets of the smallest type; None where all are missing."""
    values, missing = _objects(column)
    values[missing] = ""
    parts = [str(value) for value in values]
    joined = "".join(parts)
    try:
        data = joined.encode()
    except UnicodeEncodeError as error:
        raise _misfit(column, f"text that is not Unicode: {error.object!r}", "text") from error
    offsets = _starts(np.fromiter(map(len, parts), np.int64, len(parts)))
    if not joined.isascii():  # a character takes a byte more from each of these on (RFC 3629)
        codes = np.frombuffer(joined.encode("utf-32-le"), "<u4")
        offsets = _starts(1 + np.sum([codes >= first for first in _WIDER], axis=0))[offsets]
    lengths = np.diff(offsets)
    if column.id == "id" and not lengths.all():
        raise _misfit(column, f"no id in row {int(lengths.argmin())}", "an id in every row")
    if not data:
        return None
    if len(data) > np.iinfo(np.uint32).max:
        raise _misfit(column, f"{len(data)} bytes of text", "less than 4 GiB")
    return data, offsets.astype("<u2" if len(data) <= np.iinfo(np.uint16).max else "<u4")


def _starts(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _numbers(column: Column) -> npt.NDArray[np.generic] | None:
    """Values in the column's type with noData; None where all are missing (or not finite)."""
    dtype = np.dtype(_DTYPES[column.type])
    values = column.values
    if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
        wide = values.astype(np.float64)
    else:
        objects, missing = _objects(column)
        wide = np.full(len(objects), np.nan)
        try:
            wide[~missing] = objects[~missing].astype(np.float64)
        except (TypeError, ValueError) as error:
            raise _misfit(column, str(error), "numbers") from error
    known = np.isfinite(wide)
    if not known.any():
        return None
    sentinel = no_data(column.type)
    out = np.full(len(wide), sentinel, dtype=dtype)
    if dtype.kind != "f":
        info = np.iinfo(dtype)
        bad = known & ((wide < info.min) | (wide > info.max) | (wide != np.rint(wide)))
        if bad.any():
            expected = f"whole numbers {info.min}..{info.max}"
            raise _misfit(column, str(wide[bad][0]), expected)
    with np.errstate(over="ignore"):  # FLOAT32 overflow is refused just below
        out[known] = wide[known].astype(dtype)
    clash = known & (out == np.array(sentinel, dtype=dtype)) | (known & ~np.isfinite(out))
    if clash.any():
        raise _misfit(column, str(wide[clash][0]), f"a {column.type} other than its noData value")
    return out


def _enum_numbers(column: Column) -> npt.NDArray[np.generic] | None:
    entry = _enum(column)
    values, missing = _objects(column)
    if missing.all():
        return None
    words, inverse = np.unique(np.where(missing, UNKNOWN, values).astype(str), return_inverse=True)
    unlisted = [word for word in words if word not in entry.numbers]
    if unlisted:
        raise _misfit(column, unlisted[0], f"a value of enum {entry.id}")
    numbers = np.array([entry.numbers[word] for word in words], dtype=_DTYPES[entry.value_type])
    return numbers[inverse]


def _misfit(column: Column, found: str, expected: str) -> ContentError:
    return ContentError(
        f"Column {column.id} ({column.type}): found {found}, expected {expected}. "
        "Correct the tiler's column.",
        f"列 {column.id}（{column.type}）：得到 {found}，应为 {expected}。请修正切片器的该列。",
    )
