"""A survey as the kernels of :mod:`models` take it: canonical tables in a plane, and the network.

The plane is that of the declared CRS where it is projected in metres; a geographic survey is
brought into the storage CRS. The reader refuses a survey without declared datums before it is
checked; a :class:`Survey` made without them is taken for metres in a plane, unless its coordinates
are small enough for degrees. Where there is no plane :func:`tables` gives none, and nothing is
checked here. Heights stay in the survey's own datum: all that is judged are differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ingest.rules.drawn import bent, stored_vertices, vertices
from ingest.rules.network import Floats, Mask, Rows, Survey
from models import horizontal, pipes
from models.crs import storage_to_geodetic
from models.errors import DatumError
from models.network import Network

#: Coordinates within this are degrees, not metres.
_DEGREES: Final = 400.0
#: What is taken over from points and lines; numbers with the survey's own name of them.
POINT_TEXT: Final = ("exp_no", "class_code", "feature", "appurtenance", "offset_point")
LINE_TEXT: Final = (
    "class_code", "shape", "material", "embed", "pressure_level", "status", "road",
)  # fmt: skip
SECTION_NUMBERS: Final = {
    "width_mm": "width_mm",
    "height_mm": "height_mm",
    "od_mm": "od_mm",
    "id_mm": "id_mm",
    "wall_mm": "wall_mm",
    "from_depth": "from_depth_out",
    "to_depth": "to_depth_out",
    "from_top_h": "from_top_out_h",
    "to_top_h": "to_top_out_h",
    "from_invert_h": "from_invert_h",
    "to_invert_h": "to_invert_h",
    "pressure_mpa": "pressure_mpa",
    "voltage_kv": "voltage_kv",
}
LINE_NUMBERS: Final = {**SECTION_NUMBERS, "flow": "flow"}
_MEASURED: Final = ("depth", "top_h", "invert_h")


@dataclass(frozen=True, slots=True)
class Tables:
    """``points``: one row a survey point, in order, sound or not. ``segments``: the lines that are
    in the ground, with ``lines`` (s,) their positions in the survey and ``sound`` (s,) those that
    no rule has refused; heights of the others are null, for nobody knows what of them is wrong.
    Lines run as they are drawn. ``horizontal`` is the declared CRS where the plane is another."""

    points: pd.DataFrame
    segments: pd.DataFrame
    lines: Rows
    sound: Mask
    horizontal: str | None

    def place(self, at: Floats) -> Floats:
        """Places ``at`` (n, 3) of the plane in the source CRS: east, north, height."""
        known = np.isfinite(at[:, :2]).all(axis=1)
        if self.horizontal is None or not known.any():
            return at
        level = np.zeros(int(known.sum()))
        lon, lat, _ = storage_to_geodetic(at[known, 0], at[known, 1], level)
        out = at.copy()
        source = horizontal.from_geodetic(lon, lat, horizontal.parse(self.horizontal))
        out[known, :2] = np.column_stack(source)
        return out


#: The columns of ``segments`` that name the ends: rows of ``points``.
ENDS: Final = ("from_point_id", "to_point_id")


def tables(survey: Survey) -> Tables | None:
    """The canonical tables of a survey, ``None`` where it has no plane."""
    return survey.kept("tables", _tables)


def network(survey: Survey) -> Network | None:
    """The network of :func:`tables`: nodes are the survey's points, edges rows of ``segments``."""
    return survey.kept("network", _network)


def plane(survey: Survey) -> Floats | None:
    """East and north (p, 2) of the points in metres, NaN where not known; see above."""
    own = _delivered(survey)
    if survey.horizontal is None:
        known = np.isfinite(own).all(axis=1)
        return None if (np.abs(own[known]) < _DEGREES).all() else own
    try:
        crs = horizontal.parse(survey.horizontal).crs
    except DatumError:
        return None
    if crs.is_projected and all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info):
        return own
    stored = survey.in_storage()
    return None if stored is None else np.column_stack(stored[:2])


def _delivered(survey: Survey) -> Floats:
    """Easting and northing (p, 2) of the points as delivered."""
    return np.column_stack([survey.numbers("point", c) for c in ("y_src", "x_src")])


def same_place(network: Network) -> Rows:
    """A number for every node (n,), one for all points of a chamber (井内连线)."""
    links = network.in_chamber & network.in_use
    if not links.any():
        return np.arange(network.nodes)
    ends = network.tail[links], network.head[links]
    joined = coo_array((np.ones(len(ends[0]), np.int8), ends), (network.nodes, network.nodes))
    return np.asarray(connected_components(joined, directed=False)[1], np.intp)


def majors(codes: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Major classes of class codes, ``None`` for codes that are not known."""
    known = pipes.classes()
    index, names = pd.factorize(codes, use_na_sentinel=True)
    table = np.array([*(known[c].major if c in known else None for c in names), None], object)
    return np.asarray(table[index], object)


def with_role(words: npt.NDArray[Any], *roles: str) -> Mask:
    """Which point words have one of the ``roles`` of ``models/data/pipes/features.csv``."""
    known = pipes.point_words()
    index, names = pd.factorize(words, use_na_sentinel=True)
    table = np.array([*(w in known and known[w].role in roles for w in names), False], bool)
    return np.asarray(table[index], bool)


def canonical(words: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Point words by their canonical spelling."""
    known = pipes.point_words()
    index, names = pd.factorize(words, use_na_sentinel=True)
    table = np.array([*(known[w].canonical if w in known else w for w in names), None], object)
    return np.asarray(table[index], object)


def _network(survey: Survey) -> Network | None:
    made = tables(survey)
    return None if made is None else Network.of(made.segments, made.points)


def _tables(survey: Survey) -> Tables | None:
    xy = plane(survey)
    if xy is None:
        return None
    own = np.array_equal(xy, _delivered(survey), equal_nan=True)
    lines = np.flatnonzero(survey.standing() & _known_ends(survey))
    sound = survey.connected()[lines]
    points = pd.DataFrame({"id": pd.Series(np.arange(len(xy)), dtype=object)})
    for name in POINT_TEXT:
        points[name] = survey.points[name].to_numpy(object)
    for name in ("ground_h", "sigma_xy", "sigma_z"):
        points[name] = survey.numbers("point", name)
    points["geom"] = np.asarray(shapely.points(xy), object)
    rows = survey.lines.iloc[lines]
    out: dict[str, Any] = {name: rows[name].to_numpy(object) for name in LINE_TEXT}
    for name, column in LINE_NUMBERS.items():
        out[name] = rows[column].to_numpy(np.float64).copy()
    centre = np.stack([rows[f"{end}_centre_z"].to_numpy(np.float64) for end in ("from", "to")], 1)
    centre = np.where(sound[:, None], centre, np.nan)
    for name in _MEASURED:
        for end in ("from", "to"):
            out[f"{end}_{name}"][~sound] = np.nan
    ends = np.stack([positions[lines] for positions in survey.ends()], axis=1)
    for column, end in zip(ENDS, ends.T, strict=True):
        out[column] = end.astype(object)
    with np.errstate(invalid="ignore"):  # heights that nobody knows
        straight = shapely.linestrings(np.concatenate([xy[ends], centre[:, :, None]], axis=2))
        out["geom"] = bent(straight, (vertices if own else stored_vertices)(survey, lines))
    segments = pd.DataFrame({n: pd.Series(c, dtype=c.dtype) for n, c in out.items()})
    return Tables(points, segments, lines, sound, None if own else survey.horizontal)


def _known_ends(survey: Survey) -> Mask:
    a, b = survey.ends()
    return np.asarray((a >= 0) & (b >= 0) & (a != b))


__all__ = [
    "ENDS",
    "LINE_NUMBERS",
    "LINE_TEXT",
    "POINT_TEXT",
    "SECTION_NUMBERS",
    "Tables",
    "canonical",
    "majors",
    "network",
    "plane",
    "same_place",
    "tables",
    "with_role",
]
