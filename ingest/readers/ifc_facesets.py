"""Large triangulated face sets, read as they are written.

The geometry kernel makes a surface with edges of every triangle, which takes some 20 kB and 250 µs
each: a sculpture or a scanned hill would use up all memory. So the kernel is shown one triangle of
such a set, says where that goes and which material it has, and all others follow it.
Source: ISO 16739-1:2024, IfcTriangulatedFaceSet (CoordIndex and PnIndex count from 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ifcopenshell
import ifcopenshell.util.placement as ifc_placement
import numpy as np
import numpy.typing as npt

from ingest.readers.ifc_operation import Matrix

I32 = npt.NDArray[np.int32]
#: Triangles from which on a set is read here.
LARGE: Final = 10_000
#: Metres between where the kernel puts the triangle that it is shown, and where it is expected.
_APART: Final = 1e-4


@dataclass(frozen=True, slots=True)
class FaceSet:
    """``points`` (n, 3) in metres where the representation has them, ``faces`` (k, 3) of which
    ``shown`` is the one that the kernel sees."""

    points: Matrix
    faces: I32
    shown: int


def take_out(
    model: ifcopenshell.file, representations: Mapping[int, Sequence[Any]], unit: float
) -> dict[int, dict[int, FaceSet]]:
    """The large face sets of elements by step ids of both; ``model`` keeps one triangle of each.

    ``representations`` are those that the kernel would mesh, by step id of the element; ``unit`` is
    metres per unit of length. Sets that have a triangle without its points are left to the kernel.
    """
    taken: dict[int, tuple[Matrix, I32, int]] = {}
    out: dict[int, dict[int, FaceSet]] = {}
    for element, parts in representations.items():
        for item, matrix in _items(parts):
            if item.id() not in taken:
                found = _read(item)
                if found is None:
                    continue
                _show_one(model, item, found)
                taken[item.id()] = found
            points, faces, shown = taken[item.id()]
            moved = (points @ matrix[:3, :3].T + matrix[:3, 3]) * unit
            out.setdefault(element, {})[item.id()] = FaceSet(moved, faces, shown)
    return out


def put_back(
    points: Matrix, faces: I32, colours: I32, items: I32, sets: dict[int, FaceSet]
) -> tuple[Matrix, I32, I32] | None:
    """A body as the kernel made it, ``items`` telling which item each triangle is of, with all
    triangles of ``sets`` in place of those shown; None where these are not where they should be.
    """
    kept = ~np.isin(items, list(sets))
    parts = [(points, faces[kept], colours[kept])]
    for item, one in sets.items():
        (at,) = np.nonzero(items == item)
        if len(at) != 1:
            return None
        here, there = points[faces[at[0]]], one.points[one.faces[one.shown]]
        gaps = np.linalg.norm(here[:, None] - there, axis=2).min(axis=1)
        if not (gaps < _APART).all():
            return None
        parts.append((one.points, one.faces, np.full(len(one.faces), colours[at[0]], np.int32)))
    before = np.cumsum([0, *(len(p) for p, _, _ in parts)])
    return (
        np.concatenate([p for p, _, _ in parts]),
        np.concatenate([f + start for (_, f, _), start in zip(parts, before, strict=False)]),
        np.concatenate([c for _, _, c in parts]),
    )


def _items(parts: Sequence[Any]) -> list[tuple[Any, Matrix]]:
    """Triangulated face sets, with the matrix (4, 4) that maps each into its representation."""
    out = []
    for part in parts:
        for item in part.Items or ():
            if item.is_a("IfcTriangulatedFaceSet"):
                out.append((item, np.eye(4)))
            elif item.is_a("IfcMappedItem"):
                matrix = np.asarray(ifc_placement.get_mappeditem_transformation(item))
                inner = item.MappingSource.MappedRepresentation.Items or ()
                out += [(one, matrix) for one in inner if one.is_a("IfcTriangulatedFaceSet")]
    return out


def _read(item: Any) -> tuple[Matrix, I32, int] | None:
    """Points in the file's unit, faces, and the largest of them; None for a small or wrong one."""
    index = item.CoordIndex
    if len(index) < LARGE:
        return None
    faces = np.array(index, np.int32) - 1
    named = getattr(item, "PnIndex", None)
    points = np.array(item.Coordinates.CoordList, np.float64)
    if named:
        names = np.array(named, np.int32) - 1
        if faces.min() < 0 or faces.max() >= len(names):
            return None
        faces = names[faces]
    if faces.min() < 0 or faces.max() >= len(points) or not np.isfinite(points).all():
        return None
    a, b, c = (points[faces[:, i]] for i in range(3))
    return points, faces, int(np.linalg.norm(np.cross(b - a, c - a), axis=1).argmax())


def _show_one(model: ifcopenshell.file, item: Any, found: tuple[Matrix, I32, int]) -> None:
    points, faces, shown = found
    corners = points[faces[shown]].tolist()
    item.Coordinates = model.create_entity("IfcCartesianPointList3D", CoordList=corners)
    item.CoordIndex = [[1, 2, 3]]
    for name in ("Normals", "Closed", "PnIndex"):  # they were of the whole set
        if getattr(item, name, None):
            setattr(item, name, None)
