"""Fewer draw calls, the same picture: colours, features and triangles stay what they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tiles.content import F64, Content, Instances, Material
from tiles.gltf import COMPAT, DEFAULT, DRACO_PROFILE, encode
from tiles.inspect import Glb, Part
from tiles.merge import DRAW_CALLS, merged
from tiles.testing import id_column, random_boxes, solids

BOXES = random_boxes(40)
PAINTS = [Material(f"paint {k}", (k / 40, 0.5, 1 - k / 40, 1.0)) for k in range(30)]
GLASSES = [Material(f"glass {k}", (0.2, k / 40, 0.9, 0.3), double_sided=True) for k in range(10)]


def many_colours() -> Content:
    shapes = [solids(BOXES[k : k + 1], [k], look) for k, look in enumerate([*PAINTS, *GLASSES])]
    return Content("thing", [id_column(40)], shapes)


def copies(count: int, first: int, look: Material) -> Instances:
    random = np.random.default_rng(first)
    return Instances(
        [solids(np.array([[-0.5, -0.5, -1, 0.5, 0.5, 0]]), [0], look)],
        random.random((count, 3)) * 100,
        np.tile(np.array([0, 0, 0, 1], np.float32), (count, 1)),
        np.ones((count, 3), np.float32),
        np.arange(first, first + count, dtype=np.uint32),
    )


def linear(look: Material) -> F64:
    rgb = np.array(look.rgba[:3])
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.append(light, look.rgba[3])


def drawn(content: Content) -> list[Part]:
    parts = [Glb(encode(content, p)).parts() for p in (DEFAULT, COMPAT, DRACO_PROFILE)]
    assert len({len(part) for part in parts}) == 1
    return parts[0]


def test_forty_materials_are_two_draw_calls_in_their_own_colours() -> None:
    parts = drawn(many_colours())
    assert sorted(part.material for part in parts) == ["opaque", "translucent"]
    for feature, look in enumerate([*PAINTS, *GLASSES]):
        (part,) = (part for part in parts if feature in part.feature_ids)
        own = part.feature_ids == feature
        assert own.sum() == 24
        assert np.abs(part.colours[own] - linear(look)).max() < 0.006
        assert np.abs(part.positions[own].max(axis=0) - BOXES[feature, 3:]).max() < 0.004
    glass = Glb(encode(many_colours())).json["materials"]
    assert {m["name"]: m.get("alphaMode") for m in glass} == {
        "opaque": None,
        "translucent": "BLEND",
    }


def test_one_colour_needs_no_vertex_colours() -> None:
    content = Content(
        "thing", [id_column(40)], [solids(BOXES[:20]), solids(BOXES[20:], range(20, 40))]
    )
    (shape,) = merged(content).primitives
    assert shape.colours is None
    assert shape.material.rgba == content.primitives[0].material.rgba


def test_instances_stay_where_they_save_and_within_the_draw_calls() -> None:
    groups = [copies(100, 100 * k, PAINTS[k]) for k in range(8)] + [copies(2, 800, PAINTS[9])]
    content = Content("thing", [id_column(802)], (), groups)
    few = merged(content)
    assert len(few.primitives) + len(few.instances) == DRAW_CALLS
    assert min(len(group.translations) for group in few.instances) == 100
    parts = Glb(encode(content)).parts()
    assert len(parts) == DRAW_CALLS
    ids = np.concatenate([part.feature_ids for part in parts])
    assert np.array_equal(np.unique(ids, return_counts=True)[1], np.full(802, 24))


def test_shared_and_ordered_vertices_are_left_alone() -> None:
    shape = replace(solids(BOXES), ordered=True)
    walls = replace(shape, indices=shape.indices[::2])
    roofs = replace(shape, indices=shape.indices[1::2], material=PAINTS[0])
    content = Content("thing", [id_column(40)], [walls, roofs])
    assert list(merged(content).primitives) == [walls, roofs]
