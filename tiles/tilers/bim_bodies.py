"""Meshes of BIM elements made ready once: creases split, one part a colour, all in flat arrays."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.features import TriangleMesh
from tiles.content import F32, F64
from tiles.mesh.crease import creased
from tiles.mesh.ragged import I64, starts_of
from tiles.tilers.columns import column
from tiles.tilers.style import Style

#: sRGB and opacity, 0..255.
Colour = tuple[int, int, int, int]
#: Colour, vertices, their normals, and triangles of one colour of a mesh.
Part = tuple[Colour, F64, F32, I64]
#: Parts of a body by mesh and, for nameless materials, IFC class.
Parts = MutableMapping[tuple[str, str | None], list[Part]]


@dataclass(frozen=True, slots=True)
class Bodies:
    """b different bodies of q parts, each part of one colour.

    ``part_start`` (b + 1); ``colour`` (q,) index into ``colours``; ``vertex_start`` and
    ``triangle_start`` (q + 1) into ``positions``, ``normals`` (n, 3) and ``faces`` (m, 3), whose
    vertex numbers count from the part's own first. ``low``, ``high`` (b, 3) are the body's box in
    mesh metres, NaN for a body that has no triangle with an area or is broken.
    """

    part_start: I64
    colour: I64
    colours: tuple[Colour, ...]
    vertex_start: I64
    triangle_start: I64
    positions: F64
    normals: F32
    faces: I64
    low: F64
    high: F64

    def counts(self) -> tuple[I64, I64]:
        """Vertices and triangles (b,) of each body."""
        starts = self.part_start
        return np.diff(self.vertex_start[starts]), np.diff(self.triangle_start[starts])

    def main_colours(self) -> I64:
        """The colour (b,) that most of each body's surface has; 0 for a body without any."""
        part = np.repeat(np.arange(len(self.colour)), np.diff(self.triangle_start))
        rivals = np.repeat(np.diff(self.part_start) > 1, np.diff(self.part_start))
        of = np.flatnonzero(rivals[part])  # the others' colour is that of their one part
        part = part[of]
        corners = self.faces[of] + self.vertex_start[part, None]
        a, b, c = self.positions[corners].transpose(1, 0, 2)
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        total = np.bincount(part, area, minlength=len(self.colour))
        body = np.repeat(np.arange(len(self.part_start) - 1), np.diff(self.part_start))
        out = np.zeros(len(self.part_start) - 1, np.int64)
        order = np.lexsort((-np.arange(len(total)), total, body))
        out[body[order]] = self.colour[order]  # the last of each body wins: the largest
        return out


def assign(
    keys: Sequence[str | None], kinds: Sequence[str | None], meshes: Mapping[str, TriangleMesh]
) -> tuple[I64, list[tuple[str, str | None]]]:
    """Body number of each element (-1 without a mesh), and (mesh, IFC class) of each body.

    Elements share a body when they share a mesh; their class only parts them where the mesh has a
    material without a name, which is coloured by class.
    """
    found: dict[tuple[str, str | None], int] = {}
    out = np.full(len(keys), -1, np.int64)
    for row, (key, kind) in enumerate(zip(keys, kinds, strict=True)):
        if key is None or key not in meshes:
            continue
        by_class = kind if _unnamed(meshes[key]) else None
        out[row] = found.setdefault((key, by_class), len(found))
    return out, list(found)


def prepare(
    wanted: Sequence[tuple[str, str | None]],
    meshes: Mapping[str, TriangleMesh],
    style: Style,
    known: Parts | None = None,
) -> Bodies:
    """Split and flatten the bodies ``wanted`` (mesh key, IFC class for nameless materials).

    What is ``known`` is not split again, and what is split is known then.
    """
    known = {} if known is None else known
    colours: dict[Colour, int] = {}
    part_counts, part_colour, vertex_counts, triangle_counts = [], [], [], []
    positions, normals, faces = [np.empty((0, 3))], [np.empty((0, 3), np.float32)], [_NO_FACES]
    low, high = np.full((len(wanted), 3), np.nan), np.full((len(wanted), 3), np.nan)
    for number, (key, kind) in enumerate(wanted):
        if (key, kind) not in known:
            mesh = meshes[key]
            known[key, kind] = _parts(mesh, _palette(mesh, kind, style), style["crease"])
        parts = known[key, kind]
        part_counts.append(len(parts))
        for colour, points, flat, corners in parts:
            part_colour.append(colours.setdefault(colour, len(colours)))
            vertex_counts.append(len(points))
            triangle_counts.append(len(corners))
            positions.append(points)
            normals.append(flat)
            faces.append(corners)
        if parts:
            low[number] = np.min([p.min(axis=0) for _, p, _, _ in parts], axis=0)
            high[number] = np.max([p.max(axis=0) for _, p, _, _ in parts], axis=0)
    return Bodies(
        starts_of(part_counts),
        np.array(part_colour, np.int64),
        tuple(colours),
        starts_of(vertex_counts),
        starts_of(triangle_counts),
        np.concatenate(positions),
        np.concatenate(normals),
        np.concatenate(faces),
        low,
        high,
    )


_NO_FACES: I64 = np.empty((0, 3), np.int64)


def _unnamed(mesh: TriangleMesh) -> bool:
    names = mesh.material_names
    return len(names) < len(mesh.palette) or not all(names) or not len(mesh.palette)


def _palette(mesh: TriangleMesh, kind: str | None, style: Style) -> list[Colour]:
    """Colours by material index, one more at the end for indices that the palette lacks."""
    rgb = (*style["colours"].get(kind, style["unknown"]), 255)[:4]
    by_class: Colour = (int(rgb[0]), int(rgb[1]), int(rgb[2]), int(rgb[3]))
    out: list[Colour] = []
    for row, values in enumerate(mesh.palette):
        name = mesh.material_names[row] if row < len(mesh.material_names) else ""
        if not name or not np.isfinite(values).all():
            out.append(by_class)
        else:
            r, g, b, a = np.rint(np.clip(values, 0, 1) * 255).astype(int)
            out.append((int(r), int(g), int(b), int(a)))
    return [*out, by_class]


def _parts(mesh: TriangleMesh, palette: list[Colour], crease: float) -> list[Part]:
    """The mesh's triangles by colour; nothing where arrays do not fit together."""
    points, indices = mesh.positions, mesh.indices
    if not len(indices) or not len(points) or len(mesh.materials) != len(indices):
        return []
    if int(indices.max()) >= len(points) or not np.isfinite(points).all():
        return []
    source, normals, corners, kept = creased(points, indices, crease)
    look = np.minimum(mesh.materials[kept].astype(np.int64), len(palette) - 1)
    different = list(dict.fromkeys(palette))
    colour = np.array([different.index(c) for c in palette])[look]
    out: list[Part] = []
    for number in np.unique(colour):
        own = corners[colour == number]
        used, faces = np.unique(own, return_inverse=True)
        out.append(
            (
                different[number],
                points[source[used]],
                normals[used],
                faces.reshape(-1, 3).astype(np.int64),
            )
        )
    return out


def placements(elements: pd.DataFrame) -> F64:
    """(n, 4, 4) placements, NaN where one is missing or has not 16 numbers."""
    out = np.full((len(elements), 16), np.nan)
    for row, values in enumerate(column(elements, "placement")):
        if values is not None and np.size(values) == 16:
            out[row] = np.asarray(values, dtype=np.float64).ravel()
    return out.reshape(-1, 4, 4)
