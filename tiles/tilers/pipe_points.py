"""Pipe points as instanced bodies: manholes, fittings, things on the ground, joints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from models.pipes import point_words
from tiles.content import F64, Material
from tiles.mesh import bodies
from tiles.mesh.instances import standing
from tiles.mesh.ragged import I64
from tiles.tilers.columns import Frame, column, numbers, texts
from tiles.tilers.frame import LocalFrame
from tiles.tilers.instance_groups import Group
from tiles.tilers.pipe_ends import Ends
from tiles.tilers.refusals import Verdicts
from tiles.tilers.style import Style, material

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
#: The diagonal of the widest cover that is drawn, m.
_WIDEST_COVER: Final = 3 * 2**0.5
_MESHES: Final = {"cylinder": bodies.cylinder, "cube": bodies.cube, "ball": bodies.ball}


def words(points: Frame) -> npt.NDArray[np.object_]:
    """The word of each point, appurtenance before feature, folded; None without any."""
    out = texts(points, "appurtenance")
    feature = texts(points, "feature")
    out = np.where(out == None, feature, out)  # noqa: E711 - element by element
    folded = point_words()
    known = {w: folded[w].canonical if w in folded else w for w in set(out)}
    return np.array([known[w] for w in out], dtype=object)


def groups(
    points: Frame,
    end: Ends,
    colours: npt.NDArray[np.object_],
    frame: LocalFrame,
    style: Style,
    verdicts: Verdicts,
) -> list[Group]:
    """Bodies of all ``points`` that have a position, by mesh and material.

    ``colours`` (p,) are materials of the pipe class. Every point gets one body, a well also a
    cover. A fitting without any pipe lies on the ground.
    """
    e, n, ground = _positions(points, verdicts)
    foot = frame.enu(e, n, ground)
    verdicts.refuse(np.isnan(foot[:, 0]), "GEO-FINITE")
    up = frame.up(np.nan_to_num(foot))
    kind = _kinds(words(points), style)
    found: dict[tuple[object, ...], list[Group]] = {}
    for name, spec in style["bodies"].items():
        rows = np.flatnonzero((kind == name) & verdicts.sound)
        if not len(rows):
            continue
        place = _Place(rows, foot[rows], up[rows], ground[rows], _yaw(end, rows, spec))
        if spec["place"] == "well":
            made = _wells(name, spec, place, points, end, style)
        elif spec["place"] == "ground":
            size = np.tile(np.array(spec["size"], float), (len(rows), 1))
            top = place.foot + place.up * size[:, 2:]
            made = [_group(name, spec, place, top, size)]
        else:
            made = _on_axis(name, spec, place, end, colours)
        for group in made:  # a draw call for each mesh and colour; a cover never joins its shaft
            is_cover = group.material.name.endswith("cover")
            key = (spec["mesh"], group.material.rgba, is_cover)
            found.setdefault(key, []).append(group)
    return [Group.merged(same) for same in found.values()]


def boxes(groups: Sequence[Group], points: I64) -> F64:
    """Boxes (k, 6) of all bodies of each of ``points`` (k,), which ascend."""
    low, high = np.full((len(points), 3), np.inf), np.full((len(points), 3), -np.inf)
    for group in groups:
        at, place = group.places(points)
        box = group.boxes(place)
        low[at] = np.minimum(low[at], box[:, :3])
        high[at] = np.maximum(high[at], box[:, 3:])
    return np.hstack([low, high])


def reaches(ground: F64, depth: F64, end: Ends, style: Style) -> tuple[F64, F64, F64]:
    """How far (k,) the bodies of points reach at most from their place on the ``ground`` (k,):
    around, down and up, m. ``depth`` (k,) is the delivered one, NaN where there is none."""
    specs = style["bodies"].values()
    sizes = [spec["size"] for spec in specs if "size" in spec]
    axial = [spec for spec in specs if spec["place"] == "axis"]
    thick = np.nan_to_num(end.diameter) * max(spec["factor"] for spec in axial)
    thick = np.maximum(thick, max(spec["least"] for spec in axial))
    usual = max(style["well"]["depth"], *(spec.get("depth", 0.0) for spec in specs))
    deep = np.fmax(np.fmax(depth, ground - end.bottom), usual)
    deep = np.clip(deep, style["well"]["least"], style["well"]["greatest"])
    drop = np.where(np.isnan(end.axis), 0.0, ground - end.axis)
    wide = max(_WIDEST_COVER, *(float(np.hypot(*size[:2])) for size in sizes)) / 2
    tall = max(size[2] for size in sizes if len(size) == 3)
    down, up = np.fmax(deep, drop + thick), np.fmax(tall, thick - drop)
    return np.maximum(wide, thick) + 0.02 * (down + up), down, up  # plumb lines lean that much


@dataclass(frozen=True, slots=True)
class _Place:
    rows: I64
    foot: F64
    up: F64
    ground: F64
    yaw: F64


def _positions(points: Frame, verdicts: Verdicts) -> tuple[F64, F64, F64]:
    """East, north and ground height; the geometry's z, else ``ground_h``."""
    geoms = column(points, "geom")
    geoms[~shapely.is_geometry(geoms)] = None
    empty = shapely.is_missing(geoms) | shapely.is_empty(geoms)
    verdicts.refuse(empty, "GEO-EMPTY")
    verdicts.refuse(~empty & (shapely.get_type_id(geoms) != 0), "GEO-TYPE")
    geoms[~verdicts.sound] = None
    z = shapely.get_z(geoms)
    return (
        shapely.get_x(geoms),
        shapely.get_y(geoms),
        np.where(np.isfinite(z), z, numbers(points, "ground_h")),
    )


def _kinds(word: npt.NDArray[np.object_], style: Style) -> npt.NDArray[np.object_]:
    folded = point_words()

    def kind(text: str | None) -> str:
        if text in style["words"]:
            return str(style["words"][text])
        role = folded[text].role if text is not None and text in folded else ""
        return str(style["roles"].get(role, style["other"]))

    known = {text: kind(text) for text in set(word)}
    return np.array([known[text] for text in word], dtype=object)


def _yaw(end: Ends, rows: I64, spec: dict[str, Any]) -> F64:
    if spec["mesh"] != "cube":
        return np.zeros(len(rows))
    return np.nan_to_num(end.yaw[rows])


def _wells(
    name: str, spec: dict[str, Any], place: _Place, points: Frame, end: Ends, style: Style
) -> list[Group]:
    """Shafts from just under the cover to the well's bottom, and their covers."""
    rule, cover = style["well"], style["cover"]
    delivered = points.take(place.rows)
    depth = numbers(delivered, "well_depth")
    others = (
        place.ground - numbers(delivered, "well_bottom_h"),
        place.ground - end.bottom[place.rows],
    )
    for other in others:
        depth = np.where(depth > 0, depth, other)
    depth = np.where(depth > 0, depth, spec.get("depth", rule["depth"]))
    depth = np.clip(depth, rule["least"], rule["greatest"])
    plate = _cover_sizes(texts(delivered, "cover_size"), spec, cover)
    shaft = np.column_stack(
        [np.tile(np.array(spec["size"], float), (len(depth), 1)), depth - cover["thickness"]]
    )
    look = dict(spec, rgb=cover["rgb"])
    return [
        _group(name, spec, place, place.foot - place.up * cover["thickness"], shaft),
        _group(f"{name} cover", look, place, place.foot + place.up * cover["lift"], plate),
    ]


def _cover_sizes(
    delivered: npt.NDArray[np.object_], spec: dict[str, Any], cover: dict[str, Any]
) -> F64:
    """(k, 3) metres; what was delivered as 700 or 700x900 (mm) or 0.7 (m), never wider than 3 m."""

    def read(text: str | None) -> tuple[float, float]:
        found = [float(v) for v in _NUMBER.findall(text or "")[:2]]
        found = [v / 1000 if v > 10 else v for v in found]
        usual = [min(cover["size"], side) for side in spec["size"]]
        if not found or not all(0.1 <= v <= 3 for v in found):
            return (usual[0], usual[1])
        return (found[0], found[-1])

    known = {text: read(text) for text in set(delivered)}
    plan = np.array([known[text] for text in delivered])
    if spec["mesh"] == "cylinder":
        plan[:, 1] = plan[:, 0]
    return np.column_stack([plan, np.full(len(plan), cover["thickness"])])


def _on_axis(
    name: str,
    spec: dict[str, Any],
    place: _Place,
    end: Ends,
    colours: npt.NDArray[np.object_],
) -> list[Group]:
    """Bodies around the lowest pipe that ends at each point."""
    diameter = np.nan_to_num(end.diameter[place.rows]) * spec["factor"]
    size = np.maximum(diameter, spec["least"])
    axis = end.axis[place.rows]
    drop = np.where(np.isnan(axis), 0.0, place.ground - axis)
    centre = place.foot - place.up * drop[:, None]
    if spec["mesh"] != "ball":  # these hang below their origin
        centre = centre + place.up * size[:, None] / 2
    scale = np.repeat(size[:, None], 3, axis=1)
    if spec["rgb"] != "class":
        return [_group(name, spec, place, centre, scale)]
    out = []
    own = colours[place.rows]
    for look in dict.fromkeys(own):
        some = np.fromiter((c is look or c == look for c in own), bool, len(own))
        part = _Place(*(values[some] for values in _columns(place)))
        out.append(_group(name, spec, part, centre[some], scale[some], look))
    return out


def _columns(place: _Place) -> tuple[I64, F64, F64, F64, F64]:
    return place.rows, place.foot, place.up, place.ground, place.yaw


def _group(
    name: str,
    spec: dict[str, Any],
    place: _Place,
    origin: F64,
    scale: F64,
    look: Material | None = None,
) -> Group:
    return Group(
        _MESHES[spec["mesh"]](),
        look or material(name, spec["rgb"]),
        place.rows,
        origin,
        standing(place.up, place.yaw),
        scale.astype(np.float32),
    )
