"""Table columns as PostgreSQL's COPY text, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import shapely

from models.db.errors import PublishError

NULL: Final = "\\N"
CHUNK: Final = 20_000
Objects = npt.NDArray[np.object_]

#: Declared geometry type -> shapely type ids that are taken for it.
GEOMETRY: Final = {
    "geometry(PointZ)": (0,),
    "geometry(LineStringZ)": (1,),
    "geometry(MultiPolygonZ)": (3, 6),
    "geometry(PolyhedralSurfaceZ)": (3, 6),
}


def copy_text(
    frame: pd.DataFrame, columns: Mapping[str, str], srid: int, table: str
) -> Iterator[bytes]:
    """``frame`` as COPY text in blocks of rows, columns in the order of ``columns``.

    ``columns`` are declared as in :data:`models.features.TABLES`; a column that the frame lacks is
    null. Geometries must have heights and finite coordinates in EPSG:``srid``. Raises
    :class:`PublishError` for a value that does not fit its column.
    """
    for first in range(0, len(frame), CHUNK):
        part = frame.iloc[first : first + CHUNK]
        encoded = [_column(part, name, declared, srid, table) for name, declared in columns.items()]
        text = "\n".join(map("\t".join, zip(*encoded, strict=True)))
        try:
            yield text.encode() + b"\n"
        except UnicodeEncodeError as error:
            raise _misfit(table, "*", repr(error.object[error.start - 20 : error.end])) from error


def _column(part: pd.DataFrame, name: str, declared: str, srid: int, table: str) -> list[str]:
    if name not in part.columns:
        return [NULL] * len(part)
    values = part[name]
    try:
        if declared.startswith("geometry"):
            return _geometry(values, declared, srid)
        return ENCODERS[declared](values)
    except (ValueError, TypeError, shapely.errors.ShapelyError) as error:
        raise _misfit(table, name, str(error)) from error


def _text(values: pd.Series[Any]) -> list[str]:
    missing = values.isna().to_numpy()
    plain = values.to_numpy(dtype=object, na_value="")
    return _escape([v if type(v) is str else str(v) for v in plain], missing)


def _escape(plain: list[str], missing: npt.NDArray[np.bool_]) -> list[str]:
    """Escape all values in one pass; NUL, which no database text can hold, separates them."""
    joined = "\x00".join(plain)
    if joined.count("\x00") != len(plain) - 1:
        raise ValueError("a NUL character in a text")
    joined = joined.replace("\\", "\\\\").replace("\t", "\\t")
    joined = joined.replace("\n", "\\n").replace("\r", "\\r")
    return _with_nulls(joined.split("\x00"), missing)


def _with_nulls(encoded: list[str], missing: npt.NDArray[np.bool_]) -> list[str]:
    for index in np.flatnonzero(missing):
        encoded[index] = NULL
    return encoded


def _plain(values: pd.Series[Any]) -> list[str]:
    missing = values.isna().to_numpy()
    return _with_nulls(list(map(str, values.to_numpy(dtype=object))), missing)


def _integer(values: pd.Series[Any]) -> list[str]:
    # a fraction in an integer column raises here
    return _plain(pd.Series(pd.to_numeric(values)).astype("Int64"))


def _double(values: pd.Series[Any]) -> list[str]:
    numbers = pd.Series(pd.to_numeric(values)).to_numpy(dtype=np.float64, na_value=np.nan)
    return _with_nulls(list(map(repr, numbers.tolist())), np.isnan(numbers))


def _bytes(values: pd.Series[Any]) -> list[str]:
    missing = values.isna().to_numpy()
    filled = values.to_numpy(dtype=object).copy()
    filled[missing] = b""
    return _with_nulls(["\\\\x" + bytes(v).hex() for v in filled], missing)


def _json(values: pd.Series[Any]) -> list[str]:
    plain = values.to_numpy(dtype=object)
    missing = np.asarray(pd.isna(plain))
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    dumped = b"\x00".join([orjson.dumps(v, str, option) for v in plain.tolist()]).decode()
    if "\\u0000" in dumped:
        raise ValueError("a NUL character in a text")
    return _escape(dumped.split("\x00"), missing)


def _doubles(values: pd.Series[Any]) -> list[str]:
    plain = values.to_numpy(dtype=object)
    missing = np.asarray(pd.isna(plain))
    return [
        NULL
        if empty
        else "{" + ",".join(map(repr, np.asarray(v, np.float64).ravel().tolist())) + "}"
        for v, empty in zip(plain, missing, strict=True)
    ]


def _geometry(values: pd.Series[Any], declared: str, srid: int) -> list[str]:
    geoms = np.asarray(values, dtype=object)
    geoms = geoms.copy()
    geoms[~shapely.is_geometry(geoms)] = None
    missing = shapely.is_missing(geoms)
    if len(geoms) and missing.all():
        return [NULL] * len(geoms)
    kinds = shapely.get_type_id(geoms)
    wrong = ~missing & ~np.isin(kinds, GEOMETRY[declared])
    if wrong.any():
        found = geoms[np.flatnonzero(wrong)[0]].geom_type
        raise ValueError(f"{found} where {declared} is expected")
    if not shapely.has_z(geoms[~missing]).all():
        raise ValueError("a geometry that is empty or has no height (z)")
    if not np.isfinite(shapely.get_coordinates(geoms[~missing], include_z=True)).all():
        raise ValueError("a coordinate that is not a finite number")
    if (kinds == 3).any():
        parts, owner = shapely.get_parts(geoms, return_index=True)
        whole = np.full(len(geoms), None, dtype=object)
        shapely.multipolygons(parts, indices=owner, out=whole)
        geoms = whole
    coded: list[str | None] = shapely.to_wkb(
        shapely.set_srid(geoms, srid), hex=True, include_srid=True, byte_order=1
    ).tolist()
    if declared == "geometry(PolyhedralSurfaceZ)":
        # a polyhedral surface has the layout of a multipolygon and another type number
        coded = [None if v is None else f"010F{v[4:]}" for v in coded]
    return [NULL if v is None else v for v in coded]


def _misfit(table: str, column: str, why: str) -> PublishError:
    return PublishError(
        f"A value of {table}.{column} cannot be stored: {why}. Nothing was stored; mend the source "
        "and deliver again.",
        f"{table}.{column} 中有无法存储的值:{why}。未存入任何内容;请修正来源后重新提交。",
    )


ENCODERS: Final[dict[str, Callable[[pd.Series[Any]], list[str]]]] = {
    "text": _text,
    "uuid": _plain,
    "date": _plain,
    "integer": _integer,
    "smallint": _integer,
    "double precision": _double,
    "double precision[]": _doubles,
    "bytea": _bytes,
    "jsonb": _json,
}
