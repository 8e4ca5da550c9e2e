"""Buildings and their parts as closed prisms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from models.crs import STORAGE, StorageCrs
from tiles.content import F64, Content, Primitive
from tiles.mesh.extrude import prisms
from tiles.mesh.footprint import Footprints, triangulate
from tiles.mesh.ragged import I64, bounds
from tiles.mesh.rings import Reason
from tiles.mesh.surface import Surface, join
from tiles.tilers.base import FeatureIndex, RefusedFeature
from tiles.tilers.columns import Properties, Spec, column, numbers, texts
from tiles.tilers.frame import LocalFrame
from tiles.tilers.refusals import BY_REASON, Verdicts
from tiles.tilers.style import Style, default_style, material

_COLUMNS: Final = (
    Spec("id"),
    Spec("kind"),  # building | part
    Spec("name", table="building"),
    Spec("function", table="building"),
    Spec("storeys", "INT16", table="building"),
    Spec("height", "FLOAT32", table="building"),
    Spec("base_height", "FLOAT32", table="building"),
    Spec("height_source", "ENUM", table="building", enum="height_source"),
    Spec("base_source", "ENUM", table="building", enum="base_source"),
    Spec("built", "INT16", table="building"),
    Spec("address", table="building"),
    Spec("key", table="building"),
    Spec("building_key", table="building_part"),
    Spec("building_id"),
)
#: Bytes of a vertex, a triangle and a row in a quantised tile before compression.
_COST: Final = (16, 6, 120)
_HIGHEST, _LOWEST_BASE, _HIGHEST_BASE = 2000.0, -1000.0, 9000.0


class BuildingTiler:
    """Extruded footprints in at most four primitives: walls with floors, and three roof groups.

    ``buildings`` and ``parts`` are tables as :data:`models.features.BUILDING` and
    ``BUILDING_PART`` with ``id`` (and ``dataset_id`` where keys repeat between datasets), ``geom``
    in the storage CRS. A building with at least one part that can be drawn is drawn by its parts,
    each a feature of its own that names its building. Where ``base_height`` is missing, the lowest
    z of the geometry takes its place. All meshes are prepared by the constructor, so that
    ``index`` and ``content`` only slice. ``style`` is shaped as ``tiles/styles/buildings.yaml``.
    """

    layer = "buildings"

    def __init__(
        self,
        frame: F64,
        buildings: pd.DataFrame,
        parts: pd.DataFrame | None = None,
        *,
        storage: StorageCrs = STORAGE,
        n_offset: float = 0.0,
        style: Style | None = None,
    ) -> None:
        self.frame = frame
        self._style = style or default_style("buildings")
        table = _joined(buildings, parts)
        ids = texts(table, "id")
        verdicts = Verdicts(len(table))
        footprints, base, top = _solids(table, LocalFrame(frame, storage, n_offset), verdicts)
        _drawn_by_parts(table, verdicts)
        self.refused: list[RefusedFeature] = verdicts.report(ids)
        self._drawn: I64 = np.flatnonzero(verdicts.sound)
        self._ids = ids[self._drawn]
        self._footprints, self._base, self._top = footprints, base, top
        self._properties = Properties(_COLUMNS, table, self._style)
        self._materials = [material("walls", self._style["walls"])] + [
            material(name, group["rgb"]) for name, group in self._style["roofs"].items()
        ]
        self._roof = _roof_groups(texts(table, "function"), self._style)

    def index(self) -> FeatureIndex:
        """Ids, boxes and cost of all features that can be drawn."""
        shapes, rows = self._footprints, self._drawn
        used = np.diff(shapes.vertex_start) > 0
        boxes = np.full((len(used), 6), np.nan)
        starts = np.append(shapes.vertex_start[:-1][used], shapes.vertex_start[-1])
        low, high = bounds(self._base, starts), bounds(self._top, starts)
        boxes[used] = np.hstack(
            [np.minimum(low[:, :3], high[:, :3]), np.maximum(low[:, 3:], high[:, 3:])]
        )
        vertices = np.diff(shapes.vertex_start)[rows]
        walls = np.diff(shapes.edge_start)[rows]
        triangles = 2 * (walls + np.diff(shapes.triangle_start)[rows])
        cost = _COST[0] * (2 * vertices + 4 * walls) + _COST[1] * triangles + _COST[2]
        return FeatureIndex(self._ids.tolist(), boxes[rows], cost, triangles)

    def content(self, rows: I64) -> Content:
        """Meshes and properties of the features in ``rows`` (k,) of the index."""
        rows = self._drawn[rows]
        solid = prisms(self._footprints, self._base, self._top, rows)
        roof = self._roof[rows]
        grouped: list[Sequence[Surface]] = [[solid.walls, solid.floors, _of(solid.roofs, roof, 0)]]
        grouped += [[_of(solid.roofs, roof, group)] for group in range(1, len(self._materials))]
        primitives: list[Primitive] = []
        for surfaces, look in zip(grouped, self._materials, strict=True):
            surface = join(surfaces)
            if len(surface.indices):
                primitives.append(surface.primitive(look))
        return Content("building", self._properties.take(rows), primitives)


def _joined(buildings: pd.DataFrame, parts: pd.DataFrame | None) -> pd.DataFrame:
    """Both tables in one, with ``kind`` and, for parts, ``building_id``."""
    whole = buildings.assign(kind="building", building_key=None, building_id=None)
    if parts is None or not len(parts):
        return whole.reset_index(drop=True)
    own = pd.Series(texts(buildings, "id"), index=_keys(buildings, "key"))
    own = own[~own.index.duplicated()]
    ids = own.reindex(_keys(parts, "building_key")).to_numpy()
    return pd.concat(
        [whole.astype(object), parts.assign(kind="part", building_id=ids).astype(object)],
        ignore_index=True,
    )


def _keys(table: pd.DataFrame, name: str) -> pd.Index[str]:
    """Natural keys, made unique over datasets."""
    dataset = texts(table, "dataset_id")
    return pd.Index(
        [
            None if key is None else f"{owner or ''}\x1f{key}"
            for owner, key in zip(dataset, texts(table, name), strict=True)
        ],
        dtype=object,
    )


def _drawn_by_parts(table: pd.DataFrame, verdicts: Verdicts) -> None:
    drawn = verdicts.sound & (column(table, "kind") == "part")
    owners = set(texts(table, "building_id")[drawn]) - {None}
    verdicts.refuse(np.isin(texts(table, "id").astype(str), list(owners)), "SKIP-PARTS")


def _solids(
    table: pd.DataFrame, frame: LocalFrame, verdicts: Verdicts
) -> tuple[Footprints, F64, F64]:
    """Triangulated footprints with the ENU of their vertices at foot and top."""
    geoms = column(table, "geom")
    geoms[~shapely.is_geometry(geoms)] = None
    height, base_height = numbers(table, "height"), numbers(table, "base_height")
    unknown = np.isnan(base_height)
    if unknown.any():
        base_height[unknown] = _lowest(geoms[unknown])
    sound = (height > 0) & (height <= _HIGHEST)
    sound &= (base_height >= _LOWEST_BASE) & (base_height <= _HIGHEST_BASE)
    shapes = triangulate(geoms)
    for reason, code in BY_REASON.items():
        verdicts.refuse(shapes.reason == reason, code)
    verdicts.refuse(~sound, "GEO-HEIGHT")
    of = np.repeat(np.arange(len(table)), np.diff(shapes.vertex_start))
    base = frame.enu(shapes.xy[:, 0], shapes.xy[:, 1], base_height[of])
    lost = np.zeros(len(table), bool)
    lost[of[np.isnan(base[:, 0])]] = True
    verdicts.refuse(lost & (shapes.reason == Reason.OK), "GEO-FINITE")
    return shapes, base, base + height[of][:, None] * frame.up(base)


def _lowest(geoms: npt.NDArray[np.object_]) -> F64:
    """The least z of each geometry, NaN without any."""
    points, of = shapely.get_coordinates(geoms, include_z=True, return_index=True)
    z = pd.Series(points[:, 2]).groupby(of).min()
    return np.array(z.reindex(np.arange(len(geoms))), dtype=np.float64)


def _roof_groups(functions: npt.NDArray[np.object_], style: Style) -> npt.NDArray[np.int8]:
    """Material number of each roof: 0 is the walls' own."""
    words = [[str(w).lower() for w in group["words"]] for group in style["roofs"].values()]

    def group(function: str | None) -> int:
        text = (function or "").lower()
        hits = (k for k, listed in enumerate(words, 1) if any(w in text for w in listed))
        return next(hits, 0)

    known = {function: group(function) for function in set(functions)}
    return np.fromiter((known[f] for f in functions), np.int8, len(functions))


def _of(surface: Surface, roof: npt.NDArray[np.int8], group: int) -> Surface:
    """The roofs of one material group, without the vertices of others."""
    inside = roof[surface.features] == group
    if inside.all():
        return surface
    place = (np.cumsum(inside) - 1).astype(np.uint32)
    faces = surface.indices[inside[surface.indices[:, 0]]]
    return Surface(
        surface.positions[inside], surface.normals[inside], place[faces], surface.features[inside]
    )
