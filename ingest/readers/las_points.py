"""What is in a point cloud, told as JSON in a process of its own (:mod:`ingest.isolation`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np

from models.crs import StorageCrs
from models.las import LasError, LasFile, Points
from models.pointcloud import Placement

#: Steps of a coordinate within which a point may lie outside the box of its header.
_ROUNDING: Final = 10.0


class Seen(TypedDict):
    """A cloud: see :class:`models.pointcloud.CloudPassport` for the words; ``format`` is its point
    data record format, ``colour`` the greatest value of any channel, ``fault`` (English, Chinese)
    why it cannot be read."""

    fault: tuple[str, str] | None
    crs: str | None
    format: int
    count: int
    box: list[float]
    stated: list[float]
    stray: int
    withheld: int
    classes: dict[str, int]
    colour: int
    intensity: int
    returns: int
    times: list[float] | None
    adjusted: bool


class Elsewhere(TypedDict):
    """Points that are refused for their place: how many, and the first of them (x, y, z)."""

    far: int
    height: int
    first: list[float]


def inspect(path: str) -> Seen:
    """Read every point of the file at ``path`` once, in bounded memory."""
    seen: Seen = {
        "fault": None,
        "crs": None,
        "format": 0,
        "count": 0,
        "box": [],
        "stated": [],
        "stray": 0,
        "withheld": 0,
        "classes": {},
        "colour": 0,
        "intensity": 0,
        "returns": 0,
        "times": None,
        "adjusted": False,
    }
    try:
        file = LasFile(Path(path))
        seen["crs"], seen["format"] = file.crs(), file.header.point_format.id
        seen["stated"], seen["adjusted"] = file.box.tolist(), file.adjusted_time
        _read(file, seen)
    except LasError as error:
        seen["fault"] = (error.en, error.zh)
    return seen


def elsewhere(
    path: str,
    horizontal: str,
    vertical: str,
    srid: int,
    n_offset: float,
    extent: list[float] | None,
) -> Elsewhere:
    """Count the points that cannot be where they say. Raises :class:`models.las.LasError` and
    :class:`models.errors.DatumError`."""
    west_to_north = None if extent is None else (extent[0], extent[1], extent[2], extent[3])
    place = Placement(horizontal, vertical, StorageCrs(srid), n_offset, west_to_north)
    file = LasFile(Path(path))
    out: Elsewhere = {"far": 0, "height": 0, "first": []}
    for piece in file.pieces():
        xyz = file.read(piece).xyz
        far, height = place.refused(xyz)
        out["far"] += int(far.sum())
        out["height"] += int(height.sum())
        both = far | height
        if not out["first"] and both.any():
            out["first"] = xyz[int(both.argmax())].tolist()
    return out


def _read(file: LasFile, seen: Seen) -> None:
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    first, last = np.inf, -np.inf
    classes = np.zeros(256, np.int64)
    margin = _ROUNDING * file.step
    stated = file.box
    for piece in file.pieces():
        points = file.read(piece)
        seen["count"] += len(points.xyz)
        low, high = np.minimum(low, points.xyz.min(0)), np.maximum(high, points.xyz.max(0))
        inside = (points.xyz >= stated[:3] - margin) & (points.xyz <= stated[3:] + margin)
        seen["stray"] += int((~inside.all(axis=1)).sum())
        classes += np.bincount(points.classification, minlength=256)
        if points.time is not None:
            times = points.time[np.isfinite(points.time)]
            first, last = (
                min(first, times.min(initial=np.inf)),
                max(last, times.max(initial=-np.inf)),
            )
        _note(points, seen)
    if seen["count"]:
        seen["box"] = [*low.tolist(), *high.tolist()]
    seen["classes"] = {str(code): int(classes[code]) for code in np.flatnonzero(classes)}
    if first < last:  # equal times say nothing
        seen["times"] = [float(first), float(last)]


def _note(points: Points, seen: Any) -> None:
    seen["withheld"] += int(points.withheld.sum())
    seen["intensity"] = max(seen["intensity"], int(points.intensity.max()))
    seen["returns"] = max(seen["returns"], int(points.returns.max()))
    if points.rgb is not None:
        seen["colour"] = max(seen["colour"], int(points.rgb.max()))
