"""BIM elements: bodies by colour, and what is used often as instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.crs import STORAGE, StorageCrs
from models.features import TriangleMesh
from tiles.content import F64, U32, Content, Instances, Material, Primitive
from tiles.far_boxes import Boxes
from tiles.massing import Legend, Look
from tiles.mesh.instances import decompose, quaternions
from tiles.mesh.ragged import I64, take
from tiles.mesh.surface import Surface, unit
from tiles.tilers import bim_bodies
from tiles.tilers.base import FeatureIndex, RefusedFeature
from tiles.tilers.bim_boxes import BodyBoxes, body_boxes, placed
from tiles.tilers.columns import Properties, Spec, text_cost, texts
from tiles.tilers.frame import LocalFrame
from tiles.tilers.refusals import Verdicts
from tiles.tilers.style import Style, default_style, material

_COLUMNS: Final = (
    Spec("id"),
    *(
        Spec(name, table="bim_element")
        for name in (
            *("name", "global_id", "ifc_class", "predefined_type", "long_name", "object_type"),
            *("type_name", "tag", "storey_name", "storey_key"),
            *("building_name", "building_key", "parent_key"),
        )
    ),
    Spec("storey_elevation", "FLOAT32", table="bim_element", unit="m"),
)
#: What is read of stored elements.
READ: Final = (*(spec.id for spec in _COLUMNS if spec.id != "id"), "mesh", "placement")
#: What a client hides and colours by, kept from afar.
_FAR: Final = ("ifc_class", "storey_name", "storey_elevation", "building_name")
#: Bytes of a vertex, a triangle, a row and an instance in a tile as it is sent: compressed.
COST: Final = (4, 2, 80, 30)
#: Texts of an element, and bytes of them that the cost of a row counts.
TEXTS: Final = tuple(spec.id for spec in _COLUMNS if spec.type == "STRING" and spec.id != "id")
USUAL_TEXT: Final = 160
#: 1985 heights between which everything that is built lies, buildings on the highest ground too.
_LOWEST, _HIGHEST = -1000.0, 11_000.0
#: Vertices placed in one go, each with a matrix of its own: tens of megabytes.
_BLOCK: Final = 100_000
_CURVE: Final = 1 / 6e6  # how far a straight line of 1 m may leave the curved Earth, per m²
_SHIFTS: Final = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)


class BimTiler:
    """Elements with a body, merged by material colour, often used meshes instanced.

    ``elements`` is a table as :data:`models.features.BIM_ELEMENT` with ``id``; ``meshes`` are by
    the keys of its ``mesh`` column. ``placement`` takes mesh metres to the storage CRS (east,
    north, 1985 height). Every vertex goes through it in float64, then to ECEF, then to ENU. An
    instance carries the nearest rotation and scale of its placement, and is only made where that,
    with the projection's scale and the Earth's curve, misses no corner by more than the style's
    tolerance.

    Elements without a body and those of the style's ``hidden`` classes (spaces, openings) are in
    ``refused`` with a ``SKIP`` code. ``style`` is shaped as ``tiles/styles/bim.yaml``.
    ``parts`` remembers what meshes come to, for other tilers with the same style.
    """

    layer = "bim"

    def __init__(
        self,
        frame: F64,
        elements: pd.DataFrame,
        meshes: Mapping[str, TriangleMesh],
        *,
        storage: StorageCrs = STORAGE,
        n_offset: float = 0.0,
        style: Style | None = None,
        parts: bim_bodies.Parts | None = None,
    ) -> None:
        self.frame = frame
        self._style = style or default_style("bim")
        self._local = LocalFrame(frame, storage, n_offset)
        ids, kinds = texts(elements, "id"), texts(elements, "ifc_class")
        verdicts = Verdicts(len(elements))
        keys = texts(elements, "mesh")
        verdicts.refuse(np.isin(kinds.astype(str), self._style["hidden"]), "SKIP-CLASS")
        without = np.fromiter((key is None for key in keys), bool, len(keys))
        verdicts.refuse(without, "SKIP-BODY")
        keys[~verdicts.sound] = None

        body, wanted = bim_bodies.assign(keys.tolist(), kinds.tolist(), meshes)
        self._bodies = bim_bodies.prepare(wanted, meshes, self._style, parts)
        broken = body < 0
        broken[~broken] = np.isnan(self._bodies.low[body[~broken], 0])
        verdicts.refuse(broken, "GEO-MESH")
        place = bim_bodies.placements(elements)
        with np.errstate(invalid="ignore", over="ignore"):
            volume = np.abs(np.linalg.det(np.nan_to_num(place[:, :3, :3])))
        verdicts.refuse(~((volume > 1e-9) & (volume < 1e9)), "GEO-PLACEMENT")

        drawn = np.flatnonzero(verdicts.sound)
        boxes, heights = self._boxes(place[drawn], body[drawn])
        for wrong, code in (
            (np.isnan(boxes).any(axis=1), "GEO-FINITE"),
            ((heights[:, 0] < _LOWEST) | (heights[:, 1] > _HIGHEST), "GEO-ELEVATION"),
        ):
            verdicts.refuse(np.isin(np.arange(len(elements)), drawn[wrong]), code)
        self.refused: list[RefusedFeature] = verdicts.report(ids)
        inside = verdicts.sound[drawn]
        self._rows: I64 = drawn[inside]
        self._ids, self._index_boxes = ids[self._rows], boxes[inside]
        self._body, self._place = body[self._rows], place[self._rows]
        self._linear = self._linears()
        self._instanced = self._instanceable()
        self._properties = Properties(_COLUMNS, elements, self._style)
        self._boxed: BodyBoxes | None = None
        self._legend, self._look = self._far_looks(elements)

    def __len__(self) -> int:
        """Rows of the index."""
        return len(self._ids)

    def index(self) -> FeatureIndex:
        """Ids, boxes and cost of all features that can be drawn."""
        vertices, triangles = self._bodies.counts()
        uses = np.bincount(self._body[self._instanced], minlength=len(vertices))
        shared = self._instanced & (uses >= self._style["instances"]["uses"])[self._body]
        cost = COST[0] * vertices + COST[1] * triangles
        own = COST[2] + text_cost(self._properties.octets()[self._rows], USUAL_TEXT)
        return FeatureIndex(
            self._ids.tolist(),
            self._index_boxes,
            np.where(shared, COST[3], cost[self._body]) + own,
            triangles[self._body],
        )

    def content(self, rows: I64) -> Content:
        """Meshes and properties of the features in ``rows`` (k,) of the index."""
        groups = self._groups(rows)
        rest = np.ones(len(rows), bool)
        for members in groups:
            rest[members] = False
        return Content(
            "bim_element",
            self._properties.take(self._rows[rows]),
            self._merged(rows, np.flatnonzero(rest)),
            [self._instances(rows, members) for members in groups],
        )

    def massing(self, rows: I64) -> Boxes:
        """A box around each of the features in ``rows`` (k,) of the index."""
        if self._boxed is None:
            self._boxed = body_boxes(self._bodies)
        boxed, body = self._boxed, self._body[rows]
        place = self._place[rows]
        corners = np.einsum("kij,kcj->kci", place[:, :3, :3], boxed.corners[body])
        stored = corners + place[:, None, :3, 3]
        enu = self._local.enu(*stored.reshape(-1, 3).T).reshape(-1, 8, 3)
        along = np.einsum("kij,kj->ki", self._linear[rows], boxed.axis[body])
        stretch = np.linalg.norm(self._linear[rows], axis=1).max(axis=1)
        return placed(enu, along, boxed.error[body] * stretch, self._look[rows], self._legend)

    def _far_looks(self, elements: pd.DataFrame) -> tuple[Legend, U32]:
        """Looks by colour, class and storey, and that of each row of the index."""
        colour = self._bodies.main_colours()[self._body].tolist()
        values = [self._properties.values(name)[self._rows].tolist() for name in _FAR]
        found: dict[tuple[int, str], int] = {}
        looks: list[Look] = []
        look = np.empty(len(colour), np.uint32)
        for row, (number, *own) in enumerate(zip(colour, *values, strict=True)):
            kept = tuple(None if value != value else value for value in own)  # NaN is missing
            at = look[row] = found.setdefault((number, repr(kept)), len(looks))
            if at == len(looks):
                looks.append(Look(self._material(number), kept))
        return Legend(tuple(looks), "bim_look", self._properties.templates(*_FAR)), look

    def _boxes(self, place: F64, body: I64) -> tuple[F64, F64]:
        """ENU boxes (k, 6) of the bodies' boxes under ``place``, with room for Earth's curve, and
        their least and greatest 1985 heights (k, 2)."""
        low, high = self._bodies.low[body], self._bodies.high[body]
        corners = low[:, None] + _SHIFTS * (high - low)[:, None]
        moved = np.einsum("kij,kcj->kci", place[:, :3, :3], corners) + place[:, None, :3, 3]
        enu = self._local.enu(*moved.reshape(-1, 3).T).reshape(-1, 8, 3)
        out = np.hstack([enu.min(axis=1), enu.max(axis=1)])
        room = 0.001 + _CURVE * np.sum((out[:, 3:] - out[:, :3]) ** 2, axis=1, keepdims=True)
        heights = np.column_stack([moved[..., 2].min(axis=1), moved[..., 2].max(axis=1)])
        return np.hstack([out[:, :3] - room, out[:, 3:] + room]), heights

    def _centres(self, rows: I64 | slice = slice(None)) -> tuple[F64, F64]:
        """The middle of each body's box in mesh metres, and in the storage CRS."""
        body, place = self._body[rows], self._place[rows]
        middle = (self._bodies.low[body] + self._bodies.high[body]) / 2
        stored: F64 = np.einsum("kij,kj->ki", place[:, :3, :3], middle) + place[:, :3, 3]
        return middle, stored

    def _linears(self) -> F64:
        """(k, 3, 3) mesh → ENU around each element's middle."""
        _, stored = self._centres()
        out: F64 = self._local.jacobian(*stored.T) @ self._place[:, :3, :3]
        return out

    def _instanceable(self) -> npt.NDArray[np.bool_]:
        """Elements that rotation and positive scale place within the tolerance."""
        _, scale, missed = decompose(self._linear)
        half = (self._bodies.high - self._bodies.low)[self._body] / 2
        size = np.linalg.norm(half * np.abs(scale), axis=1)
        worst = np.linalg.norm(np.abs(missed) @ half[:, :, None], axis=(1, 2)) + _CURVE * size**2
        good: npt.NDArray[np.bool_] = worst <= self._style["instances"]["tolerance"]
        return good & (scale > 0).all(axis=1)

    def _groups(self, rows: I64) -> list[I64]:
        """Places in ``rows`` that share a body often enough, those that save most first."""
        rule = self._style["instances"]
        able = np.flatnonzero(self._instanced[rows])
        body = self._body[rows[able]]
        uses = np.bincount(body, minlength=len(self._bodies.low))
        _, triangles = self._bodies.counts()
        often = np.flatnonzero(uses >= rule["uses"])
        often = often[np.argsort(-(uses[often] - 1) * triangles[often], kind="stable")]
        parts = np.cumsum(np.diff(self._bodies.part_start)[often])
        chosen = np.sort(often[parts <= rule["parts_at_most"]])
        return [able[body == number] for number in chosen]

    def _instances(self, rows: I64, members: I64) -> Instances:
        some = rows[members]
        body = int(self._body[some[0]])
        middle, stored = self._centres(some)
        rotation, scale, _ = decompose(self._linear[some])
        shapes = []
        shape = self._bodies
        for part in range(shape.part_start[body], shape.part_start[body + 1]):
            v = slice(shape.vertex_start[part], shape.vertex_start[part + 1])
            t = slice(shape.triangle_start[part], shape.triangle_start[part + 1])
            points = shape.positions[v] - middle[0]
            surface = Surface(
                points,
                shape.normals[v],
                shape.faces[t].astype(np.uint32),
                np.zeros(len(points), np.uint32),
            )
            shapes.append(surface.primitive(self._material(int(shape.colour[part]))))
        return Instances(
            shapes,
            self._local.enu(*stored.T),
            quaternions(rotation),
            scale.astype(np.float32),
            members.astype(np.uint32),
        )

    def _merged(self, rows: I64, members: I64) -> list[Primitive]:
        """One primitive a colour for the elements at places ``members`` of ``rows``."""
        shape = self._bodies
        parts, starts = take(shape.part_start, self._body[rows[members]])
        if not len(parts):
            return []
        owner = np.repeat(members, np.diff(starts))
        colour = shape.colour[parts]
        primitives = []
        for number in np.unique(colour):
            own = colour == number
            surface = self._placed(rows, parts[own], owner[own])
            primitives.append(surface.primitive(self._material(int(number))))
        return primitives

    def _placed(self, rows: I64, parts: I64, owner: I64) -> Surface:
        """The ``parts`` of the elements at places ``owner`` of ``rows``, in ENU."""
        shape = self._bodies
        vertices, vertex_start = take(shape.vertex_start, parts)
        triangles, triangle_start = take(shape.triangle_start, parts)
        of = np.repeat(owner, np.diff(vertex_start))
        turn = np.zeros((len(rows), 3, 3))
        turn[owner] = np.linalg.inv(self._linear[rows[owner]]).transpose(0, 2, 1)
        stored, normals = np.empty((len(of), 3)), np.empty((len(of), 3), np.float32)
        for start in range(0, len(of), _BLOCK):
            some = slice(start, start + _BLOCK)
            place, own = self._place[rows[of[some]]], vertices[some]
            stored[some] = np.einsum("nij,nj->ni", place[:, :3, :3], shape.positions[own])
            stored[some] += place[:, :3, 3]
            normals[some] = unit(np.einsum("nij,nj->ni", turn[of[some]], shape.normals[own]))
        count = np.diff(triangle_start)
        faces = shape.faces[triangles] + np.repeat(vertex_start[:-1], count)[:, None]
        mirrored = np.repeat(np.linalg.det(self._linear[rows[owner]]) < 0, count)
        faces[mirrored] = faces[mirrored][:, ::-1]
        return Surface(
            self._local.enu(*stored.T),
            normals,
            faces.astype(np.uint32),
            of.astype(np.uint32),
        )

    def _material(self, colour: int) -> Material:
        rgba = self._bodies.colours[colour]
        # Bodies may be open surfaces, which must be seen from behind as well.
        return material("#{:02x}{:02x}{:02x}{:02x}".format(*rgba), list(rgba), double_sided=True)
