"""The bodies of IFC elements as triangle meshes, equal ones once, each element with its placement.

The geometry kernel works through the model one representation at a time and shares what elements
have in common; meshes go to disk as they come, so memory does not grow with the model.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import ifcopenshell
import ifcopenshell.geom as ifc_geom
import numpy as np

from ingest.readers import ifc_facesets
from ingest.readers.ifc_elements import NOT_DRAWN
from ingest.readers.ifc_facesets import FaceSet
from ingest.readers.ifc_log import entries, error_log
from ingest.readers.ifc_meshes import MeshWriter
from ingest.readers.ifc_operation import Matrix
from models.features import TriangleMesh

#: Metres between a curved surface and its triangles, and radians between neighbours.
_CHORD: Final = 0.005
_ANGLE: Final = 0.5
#: A mesh whose middle is further than this (metres) from its own origin is moved there: placements
#: are carried into another CRS at their origin, which must therefore be near the body.
_FAR: Final = 50.0
#: Square metres; a triangle smaller than this is none.
_NO_AREA: Final = 1e-12
_FLAT: Final = ("Curve", "Annotation", "Point", "GeometricSet", "GeometricCurveSet", "FootPrint")
_BODY: Final = ("Body", "Facetation", "Tessellation", "Body-Fallback", "Surface", "Mass")
_STEP: Final = re.compile(r"#(\d+)=")


@dataclass(slots=True)
class Bodies:
    """By step id: mesh key, placement (4x4: mesh → project metres), and in each frame asked for the
    box as least and greatest x, y, z (k, 6). ``failed`` says why a body gave no mesh."""

    mesh: dict[int, str] = field(default_factory=dict)
    placement: dict[int, Matrix] = field(default_factory=dict)
    box: dict[int, Matrix] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Body:
    key: str
    shift: Matrix


def extract(
    model: ifcopenshell.file,
    kept: list[Any],
    writer: MeshWriter,
    frames: Sequence[Matrix],
    unit: float,
) -> Bodies:
    """Mesh every element of ``kept`` that has a body, openings subtracted.

    ``frames`` are 4x4 from project metres to where boxes are wanted, ``unit`` metres per unit of
    length. Of large face sets ``model`` keeps one triangle (:mod:`ingest.readers.ifc_facesets`).
    """
    log = error_log()
    wanted = {e.id(): e for e in kept if _bodies(e)}
    bodies = Bodies()
    if not wanted:
        return bodies
    whole = {k: _bodies(e) for k, e in wanted.items() if not getattr(e, "HasOpenings", ())}
    large = ifc_facesets.take_out(model, whole, unit)  # from others, the kernel cuts openings
    iterator = ifc_geom.iterator(
        _settings(),
        model,
        min(2, os.cpu_count() or 1),
        include=list(wanted.values()),
        logger=log,
    )
    known: dict[str, _Body | None] = {}
    running: Any = iterator.initialize()
    while running:
        shape: Any = iterator.get()
        if shape.id in wanted:
            _take(shape, known, writer, bodies, frames, large.get(shape.id, {}))
        running = iterator.next()
    reasons = _reasons(log)
    for step in wanted.keys() - bodies.mesh.keys():
        bodies.failed[step] = reasons.get(step, "no surface or solid came out of it")
    return bodies


def _settings() -> Any:
    settings = ifc_geom.settings()
    settings.set("use-world-coords", False)
    settings.set("weld-vertices", True)
    settings.set("no-normals", True)
    settings.set("use-material-names", True)
    settings.set("mesher-linear-deflection", _CHORD)
    settings.set("mesher-angular-deflection", _ANGLE)
    return settings


def _bodies(element: Any) -> list[Any]:
    """The representations with surfaces or solids of an ``element`` that is to be drawn."""
    shape = getattr(element, "Representation", None)
    if shape is None or any(element.is_a(name) for name in NOT_DRAWN):
        return []
    out = []
    for part in shape.Representations or ():
        kind = part.RepresentationType or ""
        if part.is_a("IfcShapeRepresentation") and not kind.startswith(_FLAT) and part.Items:
            name = part.RepresentationIdentifier
            if kind != "BoundingBox" and (not name or name in _BODY):
                out.append(part)
    return out


def _take(
    shape: Any,
    known: dict[str, _Body | None],
    writer: MeshWriter,
    bodies: Bodies,
    frames: Sequence[Matrix],
    large: dict[int, FaceSet],
) -> None:
    """Add one shape; representation and mirroring decide whether its mesh is known already."""
    placement = np.frombuffer(shape.transformation_buffer, "d").reshape(4, 4, order="F").copy()
    mirrored = bool(np.linalg.det(placement[:3, :3]) < 0)
    name = f"{shape.geometry.id}{'-mirrored' if mirrored else ''}"
    if name not in known:
        known[name] = _body(shape.geometry, mirrored, writer, large)
    body = known[name]
    if body is None or not np.isfinite(placement).all():
        return
    points = np.concatenate([_points(shape.geometry), *(one.points for one in large.values())])
    bodies.box[shape.id] = np.array([_box(frame @ placement, points) for frame in frames])
    if mirrored:  # the mesh holds the mirror image, so that its triangles face outwards
        placement[:, 0] *= -1
    placement[:3, 3] += placement[:3, :3] @ body.shift
    bodies.mesh[shape.id] = body.key
    bodies.placement[shape.id] = placement


def _box(matrix: Matrix, points: Matrix) -> Matrix:
    moved = points @ matrix[:3, :3].T + matrix[:3, 3]
    return np.concatenate([moved.min(axis=0), moved.max(axis=0)])


def _points(geometry: Any) -> Matrix:
    return np.frombuffer(geometry.verts_buffer, "d").reshape(-1, 3)


def _body(
    geometry: Any, mirrored: bool, writer: MeshWriter, large: dict[int, FaceSet]
) -> _Body | None:
    points = _points(geometry).copy()
    faces = np.frombuffer(geometry.faces_buffer, "i").reshape(-1, 3)
    colours = np.frombuffer(geometry.material_ids_buffer, "i")
    if large:
        items = np.frombuffer(geometry.item_ids_buffer, "i")
        whole = ifc_facesets.put_back(points, faces, colours, items, large)
        if whole is None:
            return None
        points, faces, colours = whole
    faces = faces.astype(np.uint32)
    if len(points) == 0 or not np.isfinite(points).all():
        return None
    if mirrored:
        points[:, 0] *= -1
        faces = faces[:, ::-1]
    a, b, c = (points[faces[:, i]] for i in range(3))
    solid = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 2 * _NO_AREA
    faces, colours = faces[solid], colours[solid]
    if len(faces) == 0:
        return None
    used, inverse = np.unique(faces, return_inverse=True)
    points, faces = points[used], inverse.reshape(-1, 3).astype(np.uint32)
    shift = np.zeros(3)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    if np.linalg.norm(middle) > _FAR:
        shift = np.round(middle)
        points -= shift
    palette, names, materials = _palette(geometry.materials, colours)
    mesh = TriangleMesh(points, _outward(points, faces), materials, palette, names)
    return _Body(writer.add(mesh), shift)


def _outward(points: Matrix, faces: Any) -> Any:
    """``faces``, turned round when they bound a solid and face inwards."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    there = edges[:, 0] * len(points) + edges[:, 1]
    back = edges[:, 1] * len(points) + edges[:, 0]
    if not np.array_equal(np.sort(there), np.sort(back)):
        return faces  # open, or its faces disagree: no inside to turn away from
    a, b, c = (points[faces[:, i]] - points[0] for i in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c))
    return np.ascontiguousarray(faces[:, ::-1]) if volume < 0 else faces


def _palette(styles: Any, colours: Any) -> tuple[Any, tuple[str, ...], Any]:
    """sRGB and opacity rows, their names, and the row of each triangle."""
    table, names = [], []
    for style in styles:
        clear = float(style.transparency)
        table.append((*style.diffuse.components, 1.0 if math.isnan(clear) else 1.0 - clear))
        names.append(str(style.name or ""))
    if not table or (colours < 0).any():
        table.append((0.7, 0.7, 0.7, 1.0))
        names.append("")
    rows = np.where(colours < 0, len(table) - 1, colours).astype(np.uint16)
    return np.clip(np.array(table, dtype=np.float32), 0, 1), tuple(names), rows


def _reasons(log: Any) -> dict[int, str]:
    """The first error that the geometry kernel logged for each element."""
    found: dict[int, str] = {}
    for entry in entries(log):
        match = _STEP.match(entry["product"])
        if match is not None:
            text = f"{entry['code']} {entry['message']} {entry['instance']}"
            found.setdefault(int(match[1]), " ".join(text.split())[:200])
    return found
