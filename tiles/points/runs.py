"""From files to sorted runs: each piece of a cloud placed, sifted, sorted and written to disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from models.crs import StorageCrs
from models.las import LasFile, Piece, Points
from models.pointcloud import Cloud, Extent, Placement
from tiles.content import F64
from tiles.journal import whole
from tiles.points.metadata import CLASS, word
from tiles.points.morton import Cube, encode
from tiles.points.plan import codes_path, points_path
from tiles.points.record import Attributes, Records, records

JsonObject: TypeAlias = dict[str, Any]

#: Steps of a coordinate within which a point may lie outside the box of its header.
_ROUNDING: Final = 10.0
#: Why points are refused, in the order in which reasons are looked for.
REASONS: Final[dict[str, tuple[str, str]]] = {
    "SKIP-WITHHELD": (
        "被制作方标记为 withheld（已删除）",
        "flagged as withheld (deleted) by the producer",
    ),
    "PTC-11": ("位于文件头所述范围之外", "outside the box that the file's header states"),
    "PTC-12": ("不在孪生体附近或坐标系适用范围之外", "far from the twin or outside the CRS's area"),
    "PTC-13": ("高程不可能", "at an impossible height"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A cloud of the layer: how its points are placed, and whether every one certainly can be."""

    cloud: Cloud
    place: Placement
    certain: bool

    @classmethod
    def of(cls, cloud: Cloud, storage: StorageCrs, extent: Extent) -> Source:
        """The source of a twin's ``cloud``. Raises :class:`models.errors.DatumError`."""
        passport = cloud.passport
        place = Placement(
            passport.horizontal, passport.vertical, storage, passport.n_offset, extent
        )
        return cls(cloud, place, place.holds(passport.box))


@dataclass(frozen=True, slots=True)
class RunTask:
    """Run ``number``: a piece of source ``source``."""

    number: int
    source: int
    piece: Piece


@dataclass(slots=True)
class Tally:
    """What was kept, within ``box`` (6,), and refused; ``ranges`` of numbers by property."""

    kept: int = 0
    box: F64 = field(default_factory=lambda: np.repeat([np.inf, -np.inf], 3))
    refused: dict[str, int] = field(default_factory=dict)
    classes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def count(self, kept: Records, layer: Attributes) -> None:
        """Add the attributes of ``kept``."""
        self.kept += len(kept)
        if len(kept):
            self._reach(np.concatenate([kept["xyz"].min(axis=0), kept["xyz"].max(axis=0)]))
        self.classes += np.bincount(kept["classification"], minlength=256)
        columns = (
            ("intensity", "intensity", layer.intensity),
            ("return_number", "returns", layer.returns),
            ("gps_time", "time", layer.start is not None),
        )
        for name, column, there in columns:
            values = kept[column][np.isfinite(kept[column])] if there else ()
            if len(values):
                self._widen(name, float(np.min(values)), float(np.max(values)))

    def add(self, other: Tally) -> None:
        """Add what another run counted."""
        self.kept += other.kept
        self._reach(other.box)
        self.classes += other.classes
        for code, number in other.refused.items():
            self.refused[code] = self.refused.get(code, 0) + number
        for name, (low, high) in other.ranges.items():
            self._widen(name, low, high)

    def statistics(self) -> JsonObject:
        """``statistics`` of the tileset (3D Tiles 1.1)."""
        numbers = {k: {"min": low, "max": high} for k, (low, high) in sorted(self.ranges.items())}
        seen = {word(code): int(self.classes[code]) for code in np.flatnonzero(self.classes)}
        properties: JsonObject = {"classification": {"occurrences": dict(sorted(seen.items()))}}
        entry = {"count": self.kept, "properties": properties | numbers}
        return {"classes": {CLASS: entry}}

    def _reach(self, box: F64) -> None:
        self.box[:3] = np.minimum(self.box[:3], box[:3])
        self.box[3:] = np.maximum(self.box[3:], box[3:])

    def _widen(self, name: str, low: float, high: float) -> None:
        before = self.ranges.get(name, (np.inf, -np.inf))
        self.ranges[name] = (min(low, before[0]), max(high, before[1]))


def pieces(sources: Sequence[Source]) -> Iterator[RunTask]:
    """The tasks of all sources. Raises :class:`models.las.LasError`."""
    number = 0
    for at, source in enumerate(sources):
        for piece in LasFile(source.cloud.path).pieces():
            yield RunTask(number, at, piece)
            number += 1


def write_run(
    task: RunTask, source: Source, frame: F64, cube: Cube, layer: Attributes, folder: Path
) -> Tally:
    """Write run ``task.number`` to ``folder``. Raises :class:`models.las.LasError`, OSError."""
    file = LasFile(source.cloud.path)
    points = file.read(task.piece)
    tally = Tally()
    keep = _sift(points, file.step, source, tally)
    if keep is not None:
        points = _chosen(points, keep)
    xyz = (source.place.ecef(points.xyz) - frame[:3, 3]) @ np.ascontiguousarray(frame[:3, :3])
    codes = encode(xyz, cube)
    order = np.argsort(codes, kind="stable")
    kept = records(points, xyz, source.cloud.passport, layer).take(order)
    tally.count(kept, layer)
    for values, path in (
        (codes[order], codes_path(folder, task.number)),
        (kept, points_path(folder, task.number)),
    ):
        with whole(path) as half:
            values.tofile(half)
    return tally


def _sift(points: Points, step: F64, source: Source, tally: Tally) -> npt.NDArray[np.bool_] | None:
    """Which points are kept, None for all; counts the others by reason."""
    passport = source.cloud.passport
    stray = np.zeros_like(points.withheld)
    if passport.stray:
        low, high = np.array(passport.stated).reshape(2, 3)
        margin = _ROUNDING * step
        inside = (points.xyz >= low - margin) & (points.xyz <= high + margin)
        stray = np.asarray(~inside.all(axis=1), np.bool_)
    masks = [points.withheld, stray]
    if not source.certain:
        masks += source.place.refused(points.xyz)
    keep = np.ones_like(points.withheld)
    for code, mask in zip(REASONS, masks, strict=False):
        if number := int((mask & keep).sum()):
            tally.refused[code] = number
            keep &= ~mask
    return keep if tally.refused else None


def _chosen(points: Points, keep: npt.NDArray[np.bool_]) -> Points:
    return Points(
        points.xyz[keep],
        points.classification[keep],
        points.intensity[keep],
        points.returns[keep],
        points.withheld[keep],
        None if points.rgb is None else points.rgb[keep],
        None if points.time is None else points.time[keep],
    )
