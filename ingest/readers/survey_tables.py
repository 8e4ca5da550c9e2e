"""The rows of a survey that no rule refused, as the canonical tables of pipes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from ingest.rules.drawn import bent
from ingest.rules.network import Sheet, Survey
from ingest.rules.topology_tables import SECTION_NUMBERS

_POINT_TEXT: Final = (
    "exp_no",
    "map_no",
    "class_code",
    "feature",
    "appurtenance",
    "cover_shape",
    "cover_size",
    "cover_material",
    "acq_method",
)
_POINT_NUMBERS: Final = (
    "x_src",
    "y_src",
    "ground_h",
    "well_depth",
    "well_bottom_h",
    "neck_h",
    "sigma_xy",
    "sigma_z",
)
_LINE_TEXT: Final = (
    "lno",
    "class_code",
    "shape",
    "depth_ref",
    "material",
    "embed",
    "pressure_level",
    "owner",
    "operator",
    "built",
    "built_precision",
    "status",
    "road",
)
_LINE_COUNTS: Final = ("cables", "holes", "holes_used", "flow")


def pipe_points(survey: Survey) -> pd.DataFrame:
    """``pipe_point`` rows: geometry (east, north, ground height) in the source CRS and datum."""
    points = survey.points[survey.alive["point"]]
    geom = shapely.points(*(points[c].to_numpy(np.float64) for c in ("y_src", "x_src", "ground_h")))
    out: dict[str, Any] = {"key": _text(points["key"])}
    out |= _common(survey, points, np.asarray(geom, object))
    out |= {name: _text(points[name]) for name in _POINT_TEXT}
    out |= {name: points[name].to_numpy(np.float64) for name in _POINT_NUMBERS}
    out["offset_point"] = _text(points["offset_point"])
    out["geom"] = geom
    return _table(out)


def pipe_segments(survey: Survey) -> pd.DataFrame:
    """``pipe_segment`` rows: geometry is the centre line (east, north, height), source CRS and
    datum; ``from_point`` and ``to_point`` are keys of :func:`pipe_points`.

    A segment's key is ``from-to`` and its class, with a number behind it when that repeats.
    """
    live = survey.connected()
    lines = survey.lines[live]
    a, b = (positions[live] for positions in survey.ends())
    x, y = survey.numbers("point", "x_src"), survey.numbers("point", "y_src")
    coordinates = np.empty((len(lines), 2, 3))
    for index, (ends, name) in enumerate(((a, "from_centre_z"), (b, "to_centre_z"))):
        coordinates[:, index, 0] = y[ends]
        coordinates[:, index, 1] = x[ends]
        coordinates[:, index, 2] = lines[name].to_numpy(np.float64)
    geom = bent(shapely.linestrings(coordinates), lines["geom_via"])
    key = survey.points["key"].to_numpy(object)
    start, end = key[a], key[b]
    out: dict[str, Any] = {"key": _segment_keys(start, end, lines["class_code"])}
    out |= _common(survey, lines, np.asarray(geom, object))
    out |= {name: _text(lines[name]) for name in _LINE_TEXT}
    out["from_point"], out["to_point"] = _text(start), _text(end)
    out |= {name: lines[column].to_numpy(np.float64) for name, column in SECTION_NUMBERS.items()}
    for name in _LINE_COUNTS:
        out[name] = pd.Series(lines[name].to_numpy(np.float64)).astype("Int64")
    out["quality_level"] = _quality(survey, a, b)
    out["geom"] = geom
    return _table(out)


def _table(columns: dict[str, Any]) -> pd.DataFrame:
    """A frame with plain object columns (no inferred string type)."""
    return pd.DataFrame(
        {
            name: pd.Series(c, dtype=object)
            if isinstance(c, np.ndarray) and c.dtype == object
            else c
            for name, c in columns.items()
        }
    )


def _common(survey: Survey, rows: pd.DataFrame, geom: npt.NDArray[Any]) -> dict[str, Any]:
    several = len({s.file for s in survey.sheets}) > 1
    names = np.array([_sheet_name(s, several) for s in survey.sheets] or [None], object)
    return {
        "source_row": rows["row"].to_numpy(np.int64),
        "source_sheet": names[rows["sheet"].to_numpy(np.intp)],
        "source_geom": np.asarray(shapely.to_wkb(geom), object),
        "attrs": rows["attrs"].to_numpy(object),
    }


def _sheet_name(sheet: Sheet, several: bool) -> str | None:
    """The sheet, with its file where the delivery has several (a row number needs both)."""
    if not several:
        return sheet.sheet
    return f"{sheet.file}[{sheet.sheet}]" if sheet.sheet else sheet.file


def _text(column: Any) -> npt.NDArray[np.object_]:
    values = np.asarray(column, object).copy()
    values[pd.isna(values)] = None
    return values


def _segment_keys(start: Any, end: Any, classes: Any) -> npt.NDArray[np.object_]:
    keys = pd.Series(
        [f"{s}-{e}/{c}" for s, e, c in zip(start, end, classes, strict=True)], dtype=object
    )
    again = keys.groupby(keys, sort=False).cumcount().to_numpy()
    for index in np.flatnonzero(again):
        keys.iat[index] = f"{keys.iat[index]}#{again[index] + 1}"
    return _text(keys)


def _quality(survey: Survey, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> Any:
    """A exposed at both ends, D where an end is design or record only, B where one was probed,
    C between points that are seen."""
    method = survey.values("point", "acq_method")
    ends = np.stack([method[a], method[b]]) if len(a) else np.empty((2, 0), object)
    level = np.full(len(a), "C", object)
    level[(ends == "hidden").any(axis=0)] = "B"
    level[(ends == "exposed").all(axis=0)] = "A"
    level[np.isin(ends.astype(str), ("design", "record")).any(axis=0)] = "D"
    return level
