"""What a glTF carries beyond need: bytes that nothing refers to, parts that nothing uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from tiles.check.gltf import Gltf
from tiles.check.gltf_buffers import COMPONENTS, MESHOPT, WIDTHS

JsonObject: TypeAlias = dict[str, Any]
Span: TypeAlias = tuple[int, int]

#: Bytes between pieces of data that alignment explains.
_PADDING: Final = 8
_TABLE_VIEWS: Final = ("values", "stringOffsets", "arrayOffsets")


def unused_parts(document: JsonObject) -> tuple[list[str], int]:
    """Names of the parts that no other part uses, and bytes of their JSON."""
    extensions, meshes = document.get("extensions"), document.get("meshes", [])
    nodes, materials = document.get("nodes", []), document.get("materials")
    shown = _shown(document)
    used = {
        "nodes": shown,
        "meshes": _meshes(document, shown),
        "accessors": _accessors(document, range(len(nodes)), range(len(meshes))),
        "materials": {
            *_named([meshes, extensions], "material", "materials"),
            *_named(materials, "ids"),  # MSFT_lod
        },
        "textures": {*_named([materials, meshes, extensions], "index")},
        "images": _images(document),
        "buffers": {*_named(document.get("bufferViews"), "buffer")},
    }
    unused = [
        (f"{kind}[{at}]", part)
        for kind, known in used.items()
        for at, part in enumerate(document.get(kind, []))
        if at not in known
    ]
    return [name for name, _ in unused], sum(len(orjson.dumps(part)) for _, part in unused)


def spare_bytes(gltf: Gltf) -> Iterator[tuple[int, str]]:
    """(bytes, where) within the glTF itself: buffers in it, and buffer views beyond accessors."""
    buffers, spans = gltf.json.get("buffers", []), _spans(gltf.json)
    if gltf.binary:
        inner = bool(buffers) and "uri" not in buffers[0]
        yield gaps(spans[0] if inner else [], len(gltf.binary)), "the BIN chunk"
    for at, used in spans.items():
        if buffers[at].get("uri", "").startswith("data:"):
            yield gaps(used, len(gltf.buffer(at))), f"buffers[{at}]"
    for at, used in _view_spans(gltf.json).items():
        length = gltf.json["bufferViews"][at]["byteLength"]
        yield gaps(used, length), f"bufferViews[{at}] beyond its accessors"


def spans_beside(gltf: Gltf) -> Iterator[tuple[str, int, list[Span]]]:
    """(URI, bytes, spans in use) of every buffer in a file of its own, which others may share."""
    for at, spans in _spans(gltf.json).items():
        uri = gltf.json["buffers"][at].get("uri", "data:")
        if not uri.startswith("data:"):
            yield uri, len(gltf.buffer(at)), spans


def idle_vertices(
    document: JsonObject, named: dict[int, npt.NDArray[np.bool_]]
) -> Iterator[tuple[int, str]]:
    """(bytes, where) of vertices that no index names; ``named`` tells by POSITION accessor."""
    accessors = document.get("accessors", [])
    beside: defaultdict[int, set[int]] = defaultdict(set)
    for mesh in document.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            position = primitive.get("attributes", {}).get("POSITION", -1)
            beside[position].update(_vertex_accessors(primitive))
    for position, mask in named.items():
        idle = int(np.count_nonzero(~mask))
        held = [accessors[at] for at in beside[position] if "bufferView" in accessors[at]]
        yield idle * sum(map(_element_bytes, held)), f"{idle} vertices that no index names"


def gaps(spans: Iterable[Span], length: int) -> int:
    """Bytes of ``length`` in none of ``spans``, without what alignment explains."""
    edges = np.array([(0, 0), *sorted(spans), (length, length)], dtype=np.int64)
    between = edges[1:, 0] - np.maximum.accumulate(edges[:-1, 1])
    return int(between[between > _PADDING].sum())


def _spans(document: JsonObject) -> defaultdict[int, list[Span]]:
    """By buffer, the bytes of views that something shown refers to."""
    shown = _shown(document)
    meshes = _meshes(document, shown)
    seen = {
        "accessors": _accessors(document, shown, meshes),
        "images": _images(document),
        "meshes": meshes,
    }
    live = [part for k, at in seen.items() for i, part in enumerate(document.get(k, [])) if i in at]
    rest = {k: v for k, v in document.items() if k not in (*seen, "bufferViews")}
    used = {*_named([rest, live], "bufferView"), *_table_views(document)}
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    for at, view in enumerate(document.get("bufferViews", [])):
        packed = view.get("extensions", {})
        place = next((packed[name] for name in MESHOPT if name in packed), view)
        if at in used:
            start = place.get("byteOffset", 0)
            spans[place["buffer"]].append((start, start + place["byteLength"]))
    return spans


def _view_spans(document: JsonObject) -> dict[int, list[Span]]:
    """By buffer view that only accessors use, the bytes of those of something shown."""
    accessors, views = document.get("accessors", []), document.get("bufferViews", [])
    shown = _shown(document)
    live = _accessors(document, shown, _meshes(document, shown))
    others = {k: v for k, v in document.items() if k not in ("accessors", "bufferViews")}
    whole = {*_named(others, "bufferView"), *_table_views(document)}
    whole.update(_named([accessor.get("sparse") for accessor in accessors], "bufferView"))
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    for at, accessor in enumerate(accessors):
        view = accessor.get("bufferView", -1) if at in live else -1
        if view >= 0 and view not in whole and accessor["count"] > 0:
            start, size = accessor.get("byteOffset", 0), _element_bytes(accessor)
            stride = views[view].get("byteStride", size)
            spans[view].append((start, start + stride * (accessor["count"] - 1) + size))
    return spans


def _shown(document: JsonObject) -> set[int]:
    """Nodes of any scene; all of them where there is none, as in a library of meshes."""
    nodes, scenes = document.get("nodes", []), document.get("scenes", [])
    stack = [at for scene in scenes for at in scene.get("nodes", [])]
    shown: set[int] = set() if scenes else set(range(len(nodes)))
    while stack:
        at = stack.pop()
        if at not in shown:
            shown.add(at)
            stack += nodes[at].get("children", [])
            stack += _named(nodes[at].get("extensions"), "ids", "node", "nodes")
    return shown


def _images(document: JsonObject) -> set[int]:
    keys = ("source", "image", "images", "specularImages")
    return {*_named([document.get("textures"), document.get("extensions")], *keys)}


def _meshes(document: JsonObject, shown: set[int]) -> set[int]:
    nodes = [document["nodes"][at] for at in shown]
    return {*_named([nodes, document.get("extensions")], "mesh", "meshes")}


def _accessors(document: JsonObject, nodes: Iterable[int], meshes: Iterable[int]) -> set[int]:
    """Accessors that these nodes and meshes name, or a skin, an animation or an extension."""
    used: set[int] = set()
    for mesh in (document["meshes"][at] for at in meshes):
        for primitive in mesh.get("primitives", []):
            used.update(_vertex_accessors(primitive))
            used.add(primitive.get("indices", -1))
            used.update(_named(primitive.get("extensions"), "indices", "ids"))
    for node in (document["nodes"][at] for at in nodes):
        instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {})
        used.update(instancing.get("attributes", {}).values())
    used.update(_named(document.get("skins"), "inverseBindMatrices"))
    used.update(_named(document.get("animations"), "input", "output"))
    used.update(_named(document.get("extensions"), "accessor", "accessors"))
    return used


def _vertex_accessors(primitive: JsonObject) -> set[int]:
    parts = [primitive.get("attributes", {}), *primitive.get("targets", [])]
    return {at for part in parts for at in part.values()}


def _table_views(document: JsonObject) -> set[int]:
    metadata = document.get("extensions", {}).get("EXT_structural_metadata", {})
    return {*_named(metadata.get("propertyTables"), *_TABLE_VIEWS)}


def _element_bytes(accessor: JsonObject) -> int:
    return np.dtype(COMPONENTS[accessor["componentType"]]).itemsize * WIDTHS[accessor["type"]]


def _named(value: Any, *keys: str) -> Iterator[int]:
    """Every integer under one of ``keys`` anywhere below ``value``, in lists as well."""
    stack = [(value, False)]
    while stack:
        node, named = stack.pop()
        if isinstance(node, dict):
            stack += [(inner, key in keys) for key, inner in node.items()]
        elif isinstance(node, list):
            stack += [(inner, named) for inner in node]
        elif named and isinstance(node, int):
            yield node
