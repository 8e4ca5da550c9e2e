"""Pipes as true solids, and everything at their points as instances."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from models.crs import STORAGE, StorageCrs
from models.features import TABLES
from models.pipes import classes
from tiles.content import F64, U32, Content, Material, Primitive
from tiles.far_lines import WIDTH, Lines
from tiles.massing import Legend, Look
from tiles.mesh.ragged import I64
from tiles.mesh.surface import Surface
from tiles.tilers import pipe_points, pipe_segments
from tiles.tilers.base import FeatureIndex, RefusedFeature
from tiles.tilers.columns import Frame, Properties, Spec, column, text_cost, texts
from tiles.tilers.frame import LocalFrame
from tiles.tilers.pipe_ends import Ends, ends
from tiles.tilers.pipe_sizes import Words, sizes
from tiles.tilers.refusals import Verdicts
from tiles.tilers.style import Style, default_style, material

_COLUMNS: Final = (
    Spec("id"),
    Spec("kind", "ENUM", enum="pipe_kind"),
    Spec("number"),
    Spec("class_code", "ENUM", table="pipe_segment", enum="pipe_class"),
    Spec("word"),
    Spec("from_point", table="pipe_segment"),
    Spec("to_point", table="pipe_segment"),
    Spec("size"),
    Spec("size_basis", "ENUM", enum="size_basis"),
    Spec("shape", "ENUM", table="pipe_segment", enum="pipe_shape"),
    Spec("width_mm", "FLOAT32", table="pipe_segment"),
    Spec("height_mm", "FLOAT32", table="pipe_segment"),
    Spec("material", table="pipe_segment"),
    Spec("from_depth", "FLOAT32", table="pipe_segment"),
    Spec("to_depth", "FLOAT32", table="pipe_segment"),
    Spec("depth_ref", "ENUM", table="pipe_segment", enum="depth_ref"),
    Spec("pressure_mpa", "FLOAT32", table="pipe_segment"),
    Spec("voltage_kv", "FLOAT32", table="pipe_segment"),
    Spec("ground_h", "FLOAT32", table="pipe_point"),
    Spec("well_depth", "FLOAT32", table="pipe_point"),
    Spec("owner", table="pipe_segment"),
    Spec("status", table="pipe_segment"),
    Spec("quality_level", "ENUM", table="pipe_segment", enum="quality_level"),
    Spec("acq_method", "ENUM", table="pipe_point", enum="acq_method"),
)
#: What is read of stored tables: those that the property table shows, and what places and sizes.
READ: Final = {
    table: tuple(
        dict.fromkeys(
            name
            for name in (*(spec.id for spec in _COLUMNS), *more)
            if name in TABLES[table] and name != "id"
        )
    )
    for table, more in (
        ("pipe_segment", ("lno", "od_mm", "id_mm", "wall_mm", "geom")),
        (
            "pipe_point",
            ("exp_no", "feature", "appurtenance", "well_bottom_h", "cover_size", "geom"),
        ),
    )
}
#: Texts of a feature, and bytes of them that the cost of a row counts.
TEXTS: Final = {
    "pipe_segment": ("lno", "from_point", "to_point", "material", "owner", "status"),
    "pipe_point": ("exp_no", "feature", "appurtenance"),
}
USUAL_TEXT: Final = 64
#: Bytes of a vertex, a triangle, a row and an instance in a tile as it is sent: compressed.
COST: Final = (2, 1, 70, 25)


class PipeTiler:
    """Segments (round, box, egg, duct bank) by their centre lines, points as instanced bodies.

    ``segments`` and ``points`` are tables as :data:`models.features.PIPE_SEGMENT` and
    ``PIPE_POINT`` with ``id`` (and ``dataset_id`` where numbers repeat between datasets), ``geom``
    in the storage CRS: centre lines, and points at ground height. Both kinds are rows of the same
    property table, segments first. All lines and bodies are placed by the constructor; ``content``
    sweeps only what it is asked for. ``style`` is shaped as ``tiles/styles/pipes.yaml``; ``end`` is
    what segments say at each of the points where these are not all that end there.
    """

    layer = "pipes"

    def __init__(
        self,
        frame: F64,
        segments: Frame,
        points: Frame,
        *,
        storage: StorageCrs = STORAGE,
        n_offset: float = 0.0,
        style: Style | None = None,
        end: Ends | None = None,
    ) -> None:
        self.frame = frame
        style = style or default_style("pipes")
        local = LocalFrame(frame, storage, n_offset)
        self._colours, self._unknown = _class_materials(style)
        self._size = sizes(segments, style)
        self._form = pipe_segments.form_of(self._size, style)
        verdicts = Verdicts(len(segments))
        self._line = pipe_segments.lines(segments, local, verdicts)
        self._look = self._looks(segments)
        self.refused: list[RefusedFeature] = verdicts.report(texts(segments, "id"))
        self._segments: I64 = np.flatnonzero(verdicts.sound)

        verdicts = Verdicts(len(points))
        end = end or ends(points, segments, self._line, self._size)
        looks = self._looks(points)
        self._groups = pipe_points.groups(points, end, looks, local, style, verdicts)
        self.refused += verdicts.report(texts(points, "id"))
        self._points: I64 = np.flatnonzero(verdicts.sound)

        table = _joined(segments, points, self._size.text, self._size.basis)
        self._ids = np.concatenate(
            [texts(segments, "id")[self._segments], texts(points, "id")[self._points]]
        )
        self._table_rows = np.concatenate([self._segments, self._points + len(segments)])
        self._properties = Properties(_COLUMNS, table, style)
        self._legend, self._legend_look = self._far_looks()

    def __len__(self) -> int:
        """Rows of the index."""
        return len(self._ids)

    def index(self) -> FeatureIndex:
        """Ids, boxes and cost of all features that can be drawn."""
        straight = np.maximum(np.diff(self._line.starts)[self._segments] - 1, 0)
        vertices, triangles = pipe_segments.counts(straight, self._form[self._segments])
        count = len(self._points)
        bodies, faces = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for group in self._groups:
            at = np.searchsorted(self._points, group.points)
            bodies[at] += 1
            faces[at] += len(group.mesh.indices)
        cost = COST[0] * vertices + COST[1] * triangles + COST[2]
        return FeatureIndex(
            self._ids.tolist(),
            np.vstack(
                [
                    pipe_segments.boxes(self._line, self._size, self._segments),
                    pipe_points.boxes(self._groups, self._points),
                ]
            ),
            np.concatenate([cost, COST[3] * bodies + COST[2]])
            + text_cost(self._properties.octets()[self._table_rows], USUAL_TEXT),
            np.concatenate([triangles, faces]),
        )

    def content(self, rows: I64) -> Content:
        """Meshes and properties of the features in ``rows`` (k,) of the index."""
        is_point = rows >= len(self._segments)
        some = self._segments[rows[~is_point]]
        place = np.flatnonzero(~is_point)
        primitives = []
        if len(some):
            surface = pipe_segments.solids(self._line, self._size, self._form, some, place)
            primitives.append(self._painted(surface, some))
        wanted = self._points[rows[is_point] - len(self._segments)]
        shift = np.uint32(len(some))  # rows ascend, so that points follow the segments
        found = [group.take(wanted, shift) for group in self._groups]
        return Content(
            "pipe",
            self._properties.take(self._table_rows[rows]),
            primitives,
            [instances for instances in found if instances is not None],
        )

    def _painted(self, surface: Surface, segments: I64) -> Primitive:
        """``surface`` of ``segments`` (k,), its features 0..k-1, in the colours of the classes."""
        looks = list(dict.fromkeys(self._look[segments]))
        if len(looks) == 1:
            return surface.primitive(looks[0])
        number = {look: at for at, look in enumerate(looks)}
        own = np.array([number[look] for look in self._look[segments]])
        paints = np.rint(np.array([look.rgba for look in looks]) * 255).astype(np.uint8)
        shape = surface.primitive(material("pipes", [255, 255, 255]))
        return replace(shape, colours=paints[own][surface.features])

    def massing(self, rows: I64) -> Lines:
        """A line for each straight piece of the segments in ``rows`` (k,) of the index, and an
        upright one for each point."""
        is_point = rows >= len(self._segments)
        segments = self._segments[rows[~is_point]]
        first, starts = pipe_segments.pieces(self._line, segments)
        piece = np.repeat(np.arange(len(segments)), np.diff(starts))
        wide = np.maximum(self._size.width, self._size.height)[segments[piece]]
        points = self._points[rows[is_point] - len(self._segments)]
        box = pipe_points.boxes(self._groups, points)
        foot, head = (box[:, :3] + box[:, 3:]) / 2, (box[:, :3] + box[:, 3:]) / 2
        foot[:, 2], head[:, 2] = box[:, 2], box[:, 5]
        # A well is seen when it is as wide as the error, not before the pipes beside it.
        thick = (box[:, 3:5] - box[:, :2]).max(axis=1, initial=0) / WIDTH
        of = np.concatenate([rows[~is_point][piece], rows[is_point]])
        return Lines(
            np.vstack([self._line.enu[first], foot]).astype(np.float32),
            np.vstack([self._line.enu[first + 1], head]).astype(np.float32),
            np.concatenate([wide, thick]).astype(np.float32),
            self._legend_look[of],
            self._legend,
        ).pruned()

    def _far_looks(self) -> tuple[Legend, U32]:
        """A look for each class and kind, and that of each row of the index."""
        columns = (self._properties.values(name) for name in ("class_code", "kind"))
        each = zip(*(values[self._table_rows].tolist() for values in columns), strict=True)
        found: dict[tuple[str | None, str], int] = {}
        own = [found.setdefault(look, len(found)) for look in each]
        looks = [
            Look(self._unknown if code is None else self._colours[code], (code, kind))
            for code, kind in found
        ]
        templates = self._properties.templates("class_code", "kind")
        return Legend(tuple(looks), "pipe_look", templates), np.array(own, np.uint32)

    def _looks(self, table: Frame) -> Words:
        """The material of each row's pipe class."""
        out = np.empty(len(table), dtype=object)
        out[:] = [self._colours.get(code, self._unknown) for code in texts(table, "class_code")]
        return out


def _class_materials(style: Style) -> tuple[dict[str, Material], Material]:
    """Material of each class by code; a minor without its own colour has its major's."""
    own = {code: material(code, rgb) for code, rgb in style["colours"].items()}
    unknown = material("unknown", style["unknown"])
    found = {
        code: own.get(code) or own.get(entry.major) or unknown for code, entry in classes().items()
    }
    return found, unknown


def _joined(segments: Frame, points: Frame, size: Words, basis: Words) -> dict[str, Words]:
    """The property table's columns: segments, then points."""
    count = len(segments), len(points)
    lines = {"kind": _all("segment", count[0]), "number": column(segments, "lno")}
    lines |= {"size": size.copy(), "size_basis": basis.copy(), "word": _all(None, count[0])}
    spots = {"kind": _all("point", count[1]), "number": column(points, "exp_no")}
    spots |= {"word": pipe_points.words(points)}
    return {
        spec.id: np.concatenate(
            [
                own[spec.id] if spec.id in own else column(table, spec.id)
                for own, table in ((lines, segments), (spots, points))
            ]
        )
        for spec in _COLUMNS
    }


def _all(word: str | None, count: int) -> Words:
    return np.full(count, word, dtype=object)
