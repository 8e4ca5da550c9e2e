"""Fewer draw calls: one primitive a material class, colours in its vertices.

A draw call costs a client more than the vertices it draws. Materials that differ in colour alone
become one, white, with a colour in every vertex (glTF COLOR_0 multiplies the base colour); a shared
mesh stays shared only where its copies would take more bytes than the draw call is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tiles.content import U8, Content, Instances, Material, Primitive
from tiles.instances import expand

#: Draw calls that a tile should not exceed.
DRAW_CALLS: Final = 4
#: Bytes after compression of a vertex, of a triangle and of an instance, measured on pipes; and
#: how many bytes one draw call less is worth.
_VERTEX, _TRIANGLE, _INSTANCE, _CALL = 3.0, 1.2, 22.0, 5000.0
_WHITE: Final = (1.0, 1.0, 1.0, 1.0)


def merged(content: Content, most: int = DRAW_CALLS) -> Content:
    """``content`` in at most ``most`` draw calls, or one a material class if those are more.

    Primitives that are ``ordered`` have been laid out by their tiler and stay as they are. Equal
    input gives equal output.
    """
    fixed = [shape for shape in content.primitives if shape.ordered]
    loose = [shape for shape in content.primitives if not shape.ordered]
    groups = [replace(group, primitives=_joined(group.primitives)) for group in content.instances]
    own = {_class(shape) for shape in loose}
    every = own.union(*({_class(shape) for shape in group.primitives} for group in groups))
    free = most - len(fixed)
    if len(own) + sum(len(group.primitives) for group in groups) <= free:
        kept = {at for at, group in enumerate(groups) if _saving(group) > 0}
    else:
        kept, free = set(), free - len(every)
        for at in sorted(range(len(groups)), key=lambda at: -_saving(groups[at])):
            if _saving(groups[at]) > 0 and len(groups[at].primitives) <= free:
                free -= len(groups[at].primitives)
                kept.add(at)
    for at, group in enumerate(groups):
        if at not in kept:
            loose += expand(group)
    return replace(
        content,
        primitives=[*fixed, *_joined(loose)],
        instances=[group for at, group in enumerate(groups) if at in kept],
    )


def _class(shape: Primitive) -> tuple[Material, bool, bool]:
    """What primitives must have in common to be one: the material but for name and colour."""
    see_through = shape.material.rgba[3] < 1 or shape.material.translucent
    plain = replace(shape.material, name="", rgba=_WHITE, translucent=see_through)
    return plain, shape.lines, shape.normals is None


def _saving(group: Instances) -> float:
    """Bytes that drawing ``group`` as instances saves against writing the copies out."""
    vertices = sum(len(shape.positions) for shape in group.primitives)
    triangles = sum(len(shape.indices) for shape in group.primitives)
    copies = len(group.translations)
    shape = _VERTEX * vertices + _TRIANGLE * triangles
    return (copies - 1) * shape - copies * _INSTANCE - _CALL * len(group.primitives)


def _joined(shapes: Sequence[Primitive]) -> list[Primitive]:
    """One primitive a class, in the order of the first of each."""
    classes: dict[tuple[Material, bool, bool], list[Primitive]] = {}
    for shape in shapes:
        classes.setdefault(_class(shape), []).append(shape)
    return [_one(same, kind) for (kind, _, _), same in classes.items()]


def _one(shapes: list[Primitive], kind: Material) -> Primitive:
    first = shapes[0]
    if len(shapes) == 1:
        return first
    coloured = any(s.colours is not None or s.material.rgba != first.material.rgba for s in shapes)
    material, colours = first.material, None
    if coloured:
        name = "translucent" if kind.translucent else "opaque"
        material, colours = replace(kind, name=name), np.concatenate([_colours(s) for s in shapes])
    starts = np.cumsum([0, *(len(shape.positions) for shape in shapes[:-1])])
    normals = [shape.normals for shape in shapes if shape.normals is not None]
    return Primitive(
        material,
        np.concatenate([shape.positions for shape in shapes]),
        np.concatenate(normals) if normals else None,
        np.concatenate(
            [
                s.indices.astype(np.uint32) + np.uint32(k)
                for s, k in zip(shapes, starts, strict=True)
            ]
        ),
        np.concatenate([shape.feature_ids for shape in shapes]).astype(np.uint32),
        colours=colours,
    )


def _colours(shape: Primitive) -> U8:
    """The colour of each vertex with the material's in it."""
    rgba = np.array(shape.material.rgba)
    if shape.colours is None:
        one = np.rint(rgba * 255).astype(np.uint8)
        return np.tile(one, (len(shape.positions), 1))
    out: U8 = np.rint(shape.colours * rgba).astype(np.uint8)
    return out
