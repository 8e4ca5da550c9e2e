"""A layer's tree under change: where a feature goes, and what becomes of its branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tiles.content import F64
from tiles.layer_tree import Branch, Knot
from tiles.mesh.ragged import I64
from tiles.scheme import error_above
from tiles.tilers.base import KeyIndex
from tiles.volumes import union


def to_tree(knots: Sequence[Knot]) -> list[list[Any]]:
    """The tree of ``knots``, which are parent first, as JSON: children, error, reach, digest."""
    return [
        [len(k.children), k.branch.error, k.branch.reach, k.digest.hex() if k.digest else None]
        for k in knots
    ]


def of_tree(tree: Sequence[Sequence[Any]]) -> Branch:
    """The opposite of :func:`to_tree`, of at least one knot; leaves have their digest."""
    rest = iter(tree)

    def branch() -> Branch:
        count, error, reach, digest = next(rest)
        if not count:
            return Branch(error, reach, digest=bytes.fromhex(digest))
        return Branch(error, reach, tuple(branch() for _ in range(count)))

    return branch()


def pruned(branch: Branch, fresh: Mapping[bytes, Branch | None]) -> Branch | None:
    """``branch`` with its leaves replaced by those in ``fresh`` (None: dropped).

    An inner node without children goes, one with a single child is that child; errors follow.
    """
    if not branch.children:
        return fresh.get(branch.digest or b"", branch)
    renewed = [pruned(child, fresh) for child in branch.children]
    children = tuple(child for child in renewed if child is not None)
    if all(a is b for a, b in zip(renewed, branch.children, strict=True)):
        return branch
    if len(children) < 2:
        return children[0] if children else None
    error = error_above((child.error, child.reach) for child in children)
    return replace(branch, error=error, children=children)


def placed(
    root: Branch, boxes: Mapping[bytes, F64], came: KeyIndex, before: Mapping[int, bytes]
) -> list[bytes]:
    """The leaf for each of the features that ``came``.

    ``boxes`` (6,) are those of the leaves' contents; a leaf without any takes no feature unless it
    is the only one. ``before`` is the leaf where a key's feature was.
    """
    places = np.hstack([came.boxes[:, :2], came.boxes[:, 3:5]]).astype(np.float64)
    out: dict[int, bytes] = {}
    for row, key in enumerate(came.keys.tolist()):
        leaf = before.get(key)
        if leaf is not None and leaf in boxes and _within(places[row], boxes[leaf]):
            out[row] = leaf
    rest = np.array([row for row in range(len(places)) if row not in out], np.int64)
    _descend(root, rest, places, boxes, {}, out)
    return [out[row] for row in range(len(places))]


def _within(place: F64, box: F64) -> bool:
    centre = (place[:2] + place[2:]) / 2
    return bool((centre >= box[:2]).all() and (centre <= box[3:5]).all())


def _descend(
    branch: Branch,
    rows: I64,
    places: F64,
    boxes: Mapping[bytes, F64],
    known: dict[int, F64 | None],
    out: dict[int, bytes],
) -> None:
    """Send ``rows`` of ``places`` (west, south, east, north) to the children that grow least."""
    if not len(rows):
        return
    if not branch.children:
        out.update(dict.fromkeys(rows.tolist(), branch.digest or b""))
        return
    children = [child for child in branch.children if _box(child, boxes, known) is not None]
    children = children or list(branch.children[:1])
    if len(children) == 1:
        _descend(children[0], rows, places, boxes, known, out)
        return
    plan = np.stack([np.delete(_box(child, boxes, known), [2, 5]) for child in children])
    low = np.minimum(places[rows, None, :2], plan[None, :, :2])
    high = np.maximum(places[rows, None, 2:], plan[None, :, 2:])
    area = np.prod(plan[:, 2:] - plan[:, :2], axis=1)
    growth = np.prod(high - low, axis=2) - area
    best = np.lexsort((np.broadcast_to(area, growth.shape), np.round(growth, 6)), axis=1)[:, 0]
    for number, child in enumerate(children):
        _descend(child, rows[best == number], places, boxes, known, out)


def _box(branch: Branch, boxes: Mapping[bytes, F64], known: dict[int, F64 | None]) -> Any:
    """The box (6,) around what is drawn below ``branch``; None where that is nothing."""
    if id(branch) not in known:
        if not branch.children:
            known[id(branch)] = boxes.get(branch.digest or b"")
        else:
            below = [_box(child, boxes, known) for child in branch.children]
            drawn = [box for box in below if box is not None]
            known[id(branch)] = union(drawn) if drawn else None
    return known[id(branch)]
