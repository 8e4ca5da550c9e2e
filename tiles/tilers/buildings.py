"""Buildings and their parts as closed prisms."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from models.crs import STORAGE, StorageCrs
from tiles.content import F64, U32, Content, Material
from tiles.far_boxes import Boxes
from tiles.massing import Legend, Look
from tiles.mesh.extrude import prisms
from tiles.mesh.footprint import Footprints, triangulate
from tiles.mesh.ragged import I64, bounds
from tiles.mesh.rings import Reason
from tiles.mesh.surface import join
from tiles.tilers.base import FeatureIndex, RefusedFeature
from tiles.tilers.building_boxes import prism_boxes
from tiles.tilers.columns import Properties, Spec, column, numbers, text_cost, texts
from tiles.tilers.frame import LocalFrame
from tiles.tilers.refusals import BY_REASON, Verdicts
from tiles.tilers.style import Style, default_style, material

_COLUMNS: Final = (
    Spec("id"),
    Spec("kind", "ENUM", enum="building_kind"),
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
#: Bytes of a row's texts that its cost counts.
USUAL_TEXT: Final = 64
_HIGHEST, _LOWEST_BASE, _HIGHEST_BASE = 2000.0, -1000.0, 9000.0


class BuildingTiler:
    """Extruded footprints in at most four primitives: walls with floors, and three roof groups.

    ``buildings`` and ``parts`` are tables as :data:`models.features.BUILDING` and
    ``BUILDING_PART`` with ``id`` (and ``dataset_id`` where keys repeat between datasets), ``geom``
    in the storage CRS. A building with at least one part that can be drawn is drawn by its parts,
    each a feature of its own that names its building. Where ``base_height`` is missing, the lowest
    z of the geometry takes its place. ``owners`` are the buildings that ``parts`` may belong to, if
    these are not among ``buildings``: their ``id``, ``key`` and ``dataset_id``. All meshes are
    prepared by the constructor, so that ``index`` and ``content`` only slice. ``style`` is shaped
    as ``tiles/styles/buildings.yaml``.
    """

    layer = "buildings"

    def __init__(
        self,
        frame: F64,
        buildings: pd.DataFrame,
        parts: pd.DataFrame | None = None,
        *,
        owners: pd.DataFrame | None = None,
        storage: StorageCrs = STORAGE,
        n_offset: float = 0.0,
        style: Style | None = None,
    ) -> None:
        self.frame = frame
        self._style = style or default_style("buildings")
        table = _joined(buildings, parts, buildings if owners is None else owners)
        ids = texts(table, "id")
        verdicts = Verdicts(len(table))
        footprints, base, top = _solids(table, LocalFrame(frame, storage, n_offset), verdicts)
        _drawn_by_parts(table, verdicts)
        self.refused: list[RefusedFeature] = verdicts.report(ids)
        self._drawn: I64 = np.flatnonzero(verdicts.sound)
        self._all_ids, self._ids = ids, ids[self._drawn]
        self._footprints, self._base, self._top = footprints, base, top
        self._properties = Properties(_COLUMNS, table, self._style)
        self._materials = [material("walls", self._style["walls"])] + [
            material(name, group["rgb"]) for name, group in self._style["roofs"].items()
        ]
        self._roof = _roof_groups(texts(table, "function"), self._style)
        self._look, self._legend = self._looks()

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
        cost += text_cost(self._properties.octets()[rows], USUAL_TEXT)
        return FeatureIndex(self._ids.tolist(), boxes[rows], cost, triangles)

    def ids(self, rows: I64) -> list[str]:
        """Ids of the rows ``rows`` of the tables, buildings first."""
        return list(self._all_ids[rows])

    def places(self) -> I64:
        """Row of the index of each row of the tables, buildings first; -1 where it is refused."""
        out = np.full(len(self._roof), -1, np.int64)
        out[self._drawn] = np.arange(len(self._drawn))
        return out

    def massing(self, rows: I64) -> Boxes:
        """A box around each of the features in ``rows`` (k,) of the index."""
        rows = self._drawn[rows]
        return prism_boxes(
            self._footprints, self._base, self._top, rows, self._look[rows], self._legend
        )

    def content(self, rows: I64) -> Content:
        """Meshes and properties of the features in ``rows`` (k,) of the index."""
        rows = self._drawn[rows]
        solid = prisms(self._footprints, self._base, self._top, rows)
        look = self._roof[rows][solid.roofs.features[solid.roofs.indices[:, 0]]]
        roofs = [
            replace(solid.roofs, indices=solid.roofs.indices[look == group])
            for group in range(len(self._materials))
        ]
        grouped = [[solid.walls, solid.floors, roofs[0]], *([roof] for roof in roofs[1:])]
        joined = [join(surfaces) for surfaces in grouped]
        primitives = [
            surface.primitive(look, ordered=True)
            for surface, look in zip(joined, self._materials, strict=True)
            if len(surface.indices)
        ]
        return Content("building", self._properties.take(rows), primitives)

    def _looks(self) -> tuple[U32, Legend]:
        """A look a function, as it is what colours a roof."""
        number, functions = pd.factorize(self._properties.values("function"))
        look, found = pd.factorize(self._roof * (len(functions) + 1) + number + 1)
        mixed = [_between(self._materials[0], roof) for roof in self._materials]
        names = [None, *map(str, functions)]  # the number of a missing one is -1
        each = (divmod(kind, len(names)) for kind in found.tolist())
        looks = tuple(Look(mixed[roof], (names[name],)) for roof, name in each)
        columns = self._properties.templates("function")
        return look.astype(np.uint32), Legend(looks, "building_look", columns)


def _between(walls: Material, roof: Material) -> Material:
    """The colour of a building of which roof and walls are seen as one."""
    r, g, b, a = ((x + y) / 2 for x, y in zip(walls.rgba, roof.rgba, strict=True))
    return replace(roof, rgba=(r, g, b, a))


def _joined(
    buildings: pd.DataFrame, parts: pd.DataFrame | None, owners: pd.DataFrame
) -> pd.DataFrame:
    """Both tables in one, with ``kind`` and, for parts, ``building_id``."""
    whole = buildings.assign(kind="building", building_key=None, building_id=None)
    if parts is None or not len(parts):
        return whole.reset_index(drop=True)
    own = pd.Series(texts(owners, "id"), index=keys_of(owners, "key"))
    own = own[~own.index.duplicated()]
    ids = own.reindex(keys_of(parts, "building_key")).to_numpy()
    return pd.concat(
        [whole.astype(object), parts.assign(kind="part", building_id=ids).astype(object)],
        ignore_index=True,
    )


def keys_of(table: pd.DataFrame, name: str) -> pd.Index[str]:
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


def _roof_groups(functions: npt.NDArray[np.object_], style: Style) -> I64:
    """Material number of each roof: 0 is the walls' own."""
    words = [[str(w).lower() for w in group["words"]] for group in style["roofs"].values()]

    def group(function: str | None) -> int:
        text = (function or "").lower()
        hits = (k for k, listed in enumerate(words, 1) if any(w in text for w in listed))
        return next(hits, 0)

    number, known = pd.factorize(functions)
    out: I64 = np.array([*map(group, known), group(None)], np.int64)[number]  # None: -1, the last
    return out
