"""The pipes of one twin at one moment, as every analysis sees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from models.clearance.bodies import Bodies, bodies
from models.crs import STORAGE, StorageCrs
from models.features import DatumPassport
from models.terrain import Terrain
from twin.analyses.ground import Ground, ground

if TYPE_CHECKING:
    from models.network.flow import FlowDirections
    from models.network.graph import Network
    from models.network.isolation import ValveSegments

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset that the pipes come from, with the revision that was read."""

    dataset: str
    number: int
    recorded: dt.datetime
    passport: DatumPassport


@dataclass(frozen=True)
class Pipework:
    """Segments and points of a twin with what is derived from them, made when first asked for.

    ``segments`` and ``points`` are canonical tables (:mod:`models.features`) in the storage CRS
    with 1985 heights, in order of row 0, 1, …; rows are how everything here names a feature.
    ``terrain`` is the twin's elevation model, where it has one.
    """

    twin: str
    segments: pd.DataFrame = field(repr=False)
    points: pd.DataFrame = field(repr=False)
    storage: StorageCrs = STORAGE
    sources: Sequence[Source] = ()
    terrain: Terrain | None = field(default=None, repr=False)
    datetime: dt.datetime | None = None
    as_of: dt.datetime | None = None

    @classmethod
    def of(
        cls, segments: pd.DataFrame, points: pd.DataFrame, *, twin: str = "", **more: Any
    ) -> Pipework:
        """Pipes from tables that may lack canonical columns; rows are numbered anew."""
        return cls(twin, segments.reset_index(drop=True), points.reset_index(drop=True), **more)

    @cached_property
    def bodies(self) -> Bodies:
        """Straight pieces of the segments with their outer sizes and mean errors."""
        return bodies(self.segments, self.points)

    @cached_property
    def plan(self) -> npt.NDArray[np.object_]:
        """Centre line of every piece of :attr:`bodies` as a 2-D line; uprights as points."""
        ends = np.stack([self.bodies.start[:, :2], self.bodies.end[:, :2]], axis=1)
        lines = np.asarray(shapely.linestrings(ends), object)
        upright = (ends[:, 0] == ends[:, 1]).all(axis=1)  # GEOS finds nothing near such lines
        lines[upright] = shapely.points(ends[upright, 0])
        return lines

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index over :attr:`plan`."""
        return shapely.STRtree(self.plan)

    @cached_property
    def network(self) -> Network:
        """Graph whose edges are the rows of the segments and nodes the rows of the points."""
        from models.network.graph import Network

        return Network.of(self.segments, self.points)

    @cached_property
    def valve_segments(self) -> ValveSegments:
        """The parts of the network that its valves can divide."""
        from models.network.isolation import valve_segments

        return valve_segments(self.network)

    @cached_property
    def flow(self) -> FlowDirections:
        """Flow of every segment, inferred from whole runs where it is not stored."""
        from models.network.flow import flow_directions

        return flow_directions(self.network)

    @cached_property
    def ground(self) -> Ground:
        """Ground heights: terrain, where there is one, else the survey points' own."""
        geometry = self.points["geom"].to_numpy(object)
        heights = numbers(self.points, "ground_h")
        return ground(
            shapely.get_x(geometry),
            shapely.get_y(geometry),
            heights,
            None if self.terrain is None else self.terrain.sample,
        )

    @cached_property
    def pieces(self) -> tuple[Rows, Rows]:
        """``order`` and ``first``: pieces of segment row i are ``order[first[i]:first[i + 1]]``."""
        order = np.argsort(self.bodies.owner, kind="stable").astype(np.int64)
        first = np.searchsorted(self.bodies.owner[order], np.arange(len(self.segments) + 1))
        return order, first.astype(np.int64)

    def pieces_of(self, rows: npt.ArrayLike) -> Rows:
        """Pieces of the given segment rows, in the order of the rows."""
        order, first = self.pieces
        wanted = np.asarray(rows, np.int64)
        counts = first[wanted + 1] - first[wanted]
        starts = np.repeat(first[wanted] - np.r_[0, np.cumsum(counts)[:-1]], counts)
        return np.asarray(order[starts + np.arange(int(counts.sum()))], np.int64)

    @cached_property
    def segment_rows(self) -> dict[str, list[int]]:
        """Segment rows by id, key and pipe number (lno)."""
        return _rows(self.segments, ("id", "key", "lno"))

    @cached_property
    def point_rows(self) -> dict[str, list[int]]:
        """Point rows by id, key, survey number and map number."""
        return _rows(self.points, ("id", "key", "exp_no", "map_no"))


def numbers(table: pd.DataFrame, name: str) -> Array:
    """A column as float64 with NaN for what is missing; all NaN where the column is."""
    if name not in table:
        return np.full(len(table), np.nan)
    values: Array = pd.to_numeric(table[name], errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    return values


def words(table: pd.DataFrame, name: str) -> npt.NDArray[np.object_]:
    """A column as objects with None for what is missing; all None where the column is."""
    out = np.full(len(table), None, dtype=object)
    if name in table:
        values = table[name].to_numpy(object)
        known = pd.notna(values)
        out[known] = values[known]
    return out


def _rows(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[int]]:
    """The first column that knows a name decides; a name may stand for several rows."""
    found: dict[str, list[int]] = {}
    for column in columns:
        own: dict[str, list[int]] = {}
        for row, value in enumerate(words(table, column)):
            if value is not None:
                own.setdefault(str(value), []).append(row)
        for name, rows in own.items():
            found.setdefault(name, rows)
    return found
