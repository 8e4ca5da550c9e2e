"""What a content draws: points in tile coordinates, and features with their ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tiles.check.extensions import extension_faults
from tiles.check.gltf import Array, Gltf
from tiles.check.tables import (
    U64,
    faults,
    hashes,
    other_classes,
    property_tables,
    table_ids,
    value_faults,
)
from tiles.check.waste import Span, idle_vertices, spans_beside, spare_bytes, unused_parts
from tiles.content import F64


@dataclass(slots=True)
class Decoded:
    """What a content draws. ``points`` in tile coordinates; ``features`` hashes of ids, ``rows``
    features without ids; ``undecoded`` names what could not be placed; ``images`` URIs of textures
    in files of their own; ``beside`` such buffers (URI, bytes, spans in use); ``classes`` rows by
    class of metadata, ``held`` classes of what is no row of a table."""

    kinds: list[str] = field(default_factory=list)
    points: list[F64] = field(default_factory=list)
    triangles: int = 0
    dots: int = 0
    vertices: int = 0
    draw_calls: int = 0
    features: list[U64] = field(default_factory=list)
    rows: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    held: set[str] = field(default_factory=set)
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    undecoded: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    beside: list[tuple[str, int, list[Span]]] = field(default_factory=list)


def add_gltf(gltf: Gltf, out: Decoded, turn: F64, places: F64 | None) -> list[Any]:
    """Add a glTF to ``out``, drawn at each of ``places`` (k, 4, 4); gives its batch ids."""
    rtc = gltf.json.get("extensions", {}).get("CESIUM_RTC", {}).get("center", (0.0, 0.0, 0.0))
    batches: list[Any] = []
    drawn: dict[int, list[Any]] = {}
    unknown: set[int | None] = set()
    named: dict[int, Array] = {}
    copies = 1 if places is None else len(places)
    for mesh in gltf.meshes():
        out.draw_calls += 1
        out.triangles += mesh.triangles * copies
        out.dots += mesh.dots * copies
        out.vertices += mesh.vertices * copies
        if mesh.extent is not None and mesh.position not in named:
            out.problems.append(("TSC-18", *mesh.extent))
        named[mesh.position] = mesh.named | named.get(mesh.position, False)
        if len(mesh.points):
            points = mesh.points @ turn.T + np.asarray(rtc, np.float64)
            out.points.append(points if places is None else _placed(points, places))
        if mesh.batch_ids is not None:
            batches.append(mesh.batch_ids)
        for table, used, stated in mesh.ids:
            if used is None:
                unknown.add(table)
                continue
            if stated is not None and stated != len(used):
                out.problems.append(("TSC-47", str(len(used)), str(stated)))
            if table is not None:
                drawn.setdefault(table, []).append(used)
    _tables(gltf, out, drawn, unknown)
    for image in gltf.json.get("images", []):
        if "uri" in image and not image["uri"].startswith("data:"):
            out.images.append(image["uri"])
    for code, name, place in extension_faults(gltf.json):
        out.problems.append((code, name, place))
    _waste(gltf, out, named)
    return batches


def _waste(gltf: Gltf, out: Decoded, named: dict[int, Array]) -> None:
    for size, place in (*spare_bytes(gltf), *idle_vertices(gltf.json, named)):
        if size:
            out.problems.append(("TSC-35", f"{size} bytes ({place})", "0 bytes"))
    out.beside += spans_beside(gltf)
    parts, size = unused_parts(gltf.json)
    if parts:
        out.problems.append(("TSC-36", f"{_some(parts)}, {size} bytes of JSON", "none"))


def _tables(
    gltf: Gltf, out: Decoded, drawn: dict[int, list[Any]], unknown: set[int | None]
) -> None:
    out.held |= other_classes(gltf)
    for number, table in enumerate(property_tables(gltf)):
        problems = [("TSC-46", *fault) for fault in faults(gltf, table)]
        out.problems += problems
        if not problems:
            out.problems += [("TSC-46", *fault) for fault in value_faults(gltf, table)]
        out.classes[str(table["class"])] += int(table["count"])
        ids = None if problems else table_ids(gltf, table)
        used = drawn.get(number)
        # feature ids are in what was not decoded
        opaque = number in unknown or (used is None and bool(out.undecoded))
        add_rows(out, int(table["count"]), ids, None if opaque or problems else used or [])


def add_rows(out: Decoded, count: int, ids: list[Any] | None, drawn: list[Any] | None) -> None:
    """Compare a table's rows with the feature ids drawn (None: not known)."""
    if ids is None:
        out.rows += count
    else:
        keys = hashes(ids)
        out.features.append(keys)
        _, first, times = np.unique(keys, return_index=True, return_counts=True)
        twice = first[times > 1]
        if len(twice):
            out.problems.append(("TSC-44", _some([ids[at] for at in twice]), "once"))
    if drawn is None:
        return
    used = np.unique(np.concatenate(drawn)) if drawn else np.empty(0, np.int64)
    beyond = used[(used < 0) | (used >= count)]
    if len(beyond):
        out.problems.append(("TSC-42", _some(beyond.tolist()), f"0..{count - 1}"))
    idle = count - (len(used) - len(beyond))
    if idle > 0:
        out.problems.append(("TSC-43", str(idle), "0"))


def _placed(points: F64, places: F64) -> F64:
    turned = points @ np.swapaxes(places[:, :3, :3], 1, 2) + places[:, None, :3, 3]
    out: F64 = turned.reshape(-1, 3)
    return out


def _some(values: list[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:3])
    return shown if len(values) <= 3 else f"{shown}, … ({len(values)})"
