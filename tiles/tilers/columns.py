"""Property columns of a layer: cleaned once, sliced for every tile."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.labels import labels
from tiles.content import Column, ColumnType
from tiles.mesh.ragged import I64
from tiles.metadata import enumerations
from tiles.tilers.style import Style

_UNIT: Final = re.compile(r"\s*[（(](m|mm|MPa|kV)[)）]$")


@dataclass(frozen=True, slots=True)
class Rows:
    """What tilers read of a table, as arrays that take a twentieth of the time to slice.

    ``columns`` are objects, or float64 with NaN for missing, of ``size`` each.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    size: int

    @classmethod
    def of(cls, table: pd.DataFrame) -> Rows:
        """All columns of ``table``."""
        held = ((str(name), table[name]) for name in table.columns)
        return cls({name: _plain(values) for name, values in held}, len(table))

    def take(self, rows: I64) -> Rows:
        """The rows ``rows`` (k,) only."""
        return Rows({name: values[rows] for name, values in self.columns.items()}, len(rows))

    def __len__(self) -> int:
        return self.size


#: A table of features.
Frame = pd.DataFrame | Rows
#: A table, or all columns that are asked for as :func:`column` gives them, which may be changed.
Table = pd.DataFrame | Mapping[str, npt.NDArray[np.object_]]

#: What an integer column can hold besides its noData value.
_RANGE: Final[dict[str, tuple[int, int]]] = {
    "INT32": (-(2**31) + 1, 2**31 - 1),
    "UINT32": (0, 2**32 - 2),
    "INT16": (-(2**15) + 1, 2**15 - 1),
    "UINT8": (0, 254),
}


@dataclass(frozen=True, slots=True)
class Spec:
    """A column: its id and type, and where its labels are.

    That is a table of :data:`models.features.TABLES` or, for ``table`` None, the layer's style;
    ``unit`` None takes the label's.
    """

    id: str
    type: ColumnType = "STRING"
    table: str | None = None
    enum: str | None = None
    unit: str | None = None


class Properties:
    """All columns of a layer's features.

    Text that is not Unicode is replaced, numbers that do not fit their type are dropped, words
    that an enumeration does not list are unknown: no value can keep a tile from being written.
    """

    def __init__(self, specs: Sequence[Spec], table: Table, style: Style) -> None:
        self._specs = specs
        self._labels = [_label(spec, style) for spec in specs]
        self._values = [
            _clean(
                spec, column(table, spec.id) if isinstance(table, pd.DataFrame) else table[spec.id]
            )
            for spec in specs
        ]

    def take(self, rows: I64) -> list[Column]:
        """The columns for features ``rows`` (k,)."""
        return [
            Column(spec.id, zh, en, spec.type, values[rows], unit=unit, enum=spec.enum)
            for spec, (zh, en, unit), values in zip(
                self._specs, self._labels, self._values, strict=True
            )
        ]

    def octets(self) -> I64:
        """Bytes (n,) of each feature's texts but its id."""
        out = np.zeros(len(self._values[0]), np.int64)
        for spec, values in zip(self._specs, self._values, strict=True):
            if spec.type == "STRING" and spec.id != "id":
                sizes = (0 if value is None else len(value.encode()) for value in values.tolist())
                out += np.fromiter(sizes, np.int64, len(values))
        return out

    def values(self, name: str) -> npt.NDArray[np.generic]:
        """All values of column ``name``, cleaned."""
        at = next(at for at, spec in enumerate(self._specs) if spec.id == name)
        return self._values[at]

    def templates(self, *names: str) -> tuple[Column, ...]:
        """The columns ``names`` without values."""
        return tuple(
            Column(spec.id, zh, en, spec.type, (), unit=unit, enum=spec.enum)
            for name in names
            for spec, (zh, en, unit) in zip(self._specs, self._labels, strict=True)
            if spec.id == name
        )


def text_cost(octets: npt.NDArray[np.integer[Any]], usual: int) -> npt.NDArray[np.integer[Any]]:
    """Bytes that texts of ``octets`` (n,) add to a tile beyond the ``usual`` ones, which are in the
    cost of a row. Letters and digits without any order keep three quarters of their bytes when
    compressed, and no writing keeps more."""
    out: npt.NDArray[np.integer[Any]] = np.maximum(octets, usual)
    out -= usual
    out *= 3
    out //= 4
    return out


def column(table: Frame, name: str) -> npt.NDArray[np.object_]:
    """Column ``name`` as objects with None for missing; all None where the table has none."""
    if name not in table.columns:
        return np.full(len(table), None, dtype=object)
    values = _objects(table.columns[name] if isinstance(table, Rows) else table[name])
    values[np.asarray(pd.isna(values), dtype=bool)] = None
    return values


def numbers(table: Frame, name: str) -> npt.NDArray[np.float64]:
    """Column ``name`` as float64 with NaN for missing, infinite or what is no number."""
    if name not in table.columns:
        return np.full(len(table), np.nan)
    held = table.columns[name] if isinstance(table, Rows) else table[name]
    out = np.array(held if _is_float(held) else _numeric(_objects(held)), dtype=np.float64)
    out[~np.isfinite(out)] = np.nan
    return out


def texts(table: Frame, name: str) -> npt.NDArray[np.object_]:
    """Column ``name`` as str, None where missing."""
    return _words(column(table, name))


def _label(spec: Spec, style: Style) -> tuple[str, str, str | None]:
    if spec.id == "id":
        return "标识", "Feature id", None
    if spec.table is None:
        zh, en = style["columns"][spec.id]
        return zh, en, spec.unit
    label = labels(spec.table)[spec.id]
    found = _UNIT.search(label["en"])
    unit = spec.unit or (found[1] if found else None)
    return _UNIT.sub("", label["zh"]), _UNIT.sub("", label["en"]), unit


def _clean(spec: Spec, values: npt.NDArray[np.object_]) -> npt.NDArray[np.generic]:
    if spec.type == "STRING":
        return _unicode(values)
    if spec.type == "ENUM":
        listed = enumerations()[spec.enum or ""].numbers
        out = np.empty(len(values), dtype=object)
        out[:] = [str(v) if v is not None and str(v) in listed else None for v in values]
        return out
    wide = _numeric(values)
    wide[~np.isfinite(wide)] = np.nan
    if spec.type in _RANGE:
        low, high = _RANGE[spec.type]
        wide = np.rint(wide)
        wide[~((wide >= low) & (wide <= high))] = np.nan
    elif spec.type == "FLOAT32":
        wide[np.abs(wide) > 1e38] = np.nan
    return wide


def _objects(column: pd.Series[Any] | npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    held = column if isinstance(column, np.ndarray) else column.to_numpy(dtype=object)
    return np.array(held, dtype=object)


def _is_float(column: pd.Series[Any] | npt.NDArray[Any]) -> bool:
    return isinstance(column.dtype, np.dtype) and column.dtype.kind == "f"


def _plain(column: pd.Series[Any]) -> npt.NDArray[Any]:
    return column.to_numpy(np.float64) if _is_float(column) else _objects(column)


def _numeric(values: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """``values`` as float64, NaN for what is no number."""
    if set(map(type, values)) <= {float, int, type(None)}:  # what is read from a database
        return values.astype(np.float64)
    listed = pd.Series(values, dtype=object)
    return np.array(pd.to_numeric(listed, errors="coerce"), np.float64)


def _unicode(values: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """``values`` as text that can be written; None where missing."""
    values = _words(values)
    known = np.flatnonzero(values != None)  # noqa: E711 - element by element
    try:
        "".join(values[known].tolist()).encode()
    except UnicodeEncodeError:
        values[known] = [str(v).encode("utf-8", "replace").decode() for v in values[known]]
    return values


def _words(values: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """``values`` as text, None where missing; they may be changed in place."""
    if not set(map(type, values)) <= {str, type(None)}:  # what is read from a database is
        known = np.flatnonzero(values != None)  # noqa: E711 - element by element
        values[known] = [str(v) for v in values[known]]
    return values
