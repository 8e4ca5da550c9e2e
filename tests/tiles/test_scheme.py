"""Every feature in exactly one leaf, whatever the boxes; errors fall; cuts are stable."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.content import F64
from tiles.scheme import Limits, Node, Tree, build, leaves
from tiles.testing import random_boxes

LIMITS = Limits(min_bytes=10_000, max_bytes=40_000, max_triangles=2_000, max_features=50)


def _tree(boxes: F64, sizes: int = 1000, triangles: int = 20) -> Tree:
    return build(boxes, np.full(len(boxes), sizes), np.full(len(boxes), triangles), LIMITS)


def _inner(node: Node) -> Iterator[Node]:
    if node.children:
        yield node
        for child in node.children:
            yield from _inner(child)


def _leaves(tree: Tree) -> list[Node]:
    return list(leaves(tree.root)) if tree.root is not None else []


@settings(deadline=None)
@given(
    count=st.integers(1, 400),
    spread=st.sampled_from([0.0, 1.0, 50.0, 5_000.0, 200_000.0]),
    size=st.sampled_from([0.0, 0.3, 20.0, 3_000.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_feature_is_in_one_leaf(count: int, spread: float, size: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    low = (random.random((count, 3)) - 0.5) * [spread, spread, min(spread, 50)]
    boxes = np.concatenate([low, low + size * random.random((count, 3)) ** 4], axis=1)
    tree = _tree(boxes)
    assert tree.root is not None
    found = np.concatenate([leaf.rows for leaf in _leaves(tree)])
    assert sorted(found.tolist()) == list(range(count))
    for leaf in _leaves(tree):
        assert np.all(np.diff(leaf.rows) > 0)
        assert len(leaf.rows) <= LIMITS.max_features
        assert len(leaf.rows) * 1000 <= LIMITS.max_bytes
        assert leaf.error == 0
    for node in _inner(tree.root):
        assert not len(node.rows)
        assert len(node.children) > 1
        below = np.concatenate([leaf.rows for leaf in leaves(node)])
        spans = boxes[below, 3:] - boxes[below, :3]
        assert node.error >= np.linalg.norm(spans, axis=1).max()
        assert all(child.error < node.error for child in node.children)
    assert tree.error >= 2 * tree.root.error


def test_nothing_gives_no_tile() -> None:
    assert _tree(np.empty((0, 6))).root is None


def test_a_huge_feature_is_high_in_the_tree_and_alone_does_not_recurse() -> None:
    boxes = np.concatenate([random_boxes(2000, side=4000), [[-1900, -1900, 0, 1900, 1900, 9]]])
    tree = _tree(boxes, sizes=1000)
    assert tree.root is not None
    top = [child for child in tree.root.children if 2000 in child.rows]
    assert len(top) == 1
    one = build(boxes[-1:], [10**9], [10**7], LIMITS)
    assert one.root is not None
    assert one.root.rows.tolist() == [0]


def test_triangles_split_too() -> None:
    sizes = [len(leaf.rows) for leaf in _leaves(_tree(random_boxes(400), 10, 500))]
    assert max(sizes) == 4


def test_coincident_features_are_cut_by_height() -> None:
    low = np.zeros((500, 3))
    low[:, 2] = np.random.default_rng(5).permutation(500)
    tree = _tree(np.concatenate([low, low + 1], axis=1))
    tops = [(low[leaf.rows, 2].min(), low[leaf.rows, 2].max()) for leaf in _leaves(tree)]
    tops.sort()
    assert all(a[1] < b[0] for a, b in pairwise(tops))


def test_few_leaves_are_small() -> None:
    leaf_bytes = [len(leaf.rows) * 1000 for leaf in _leaves(_tree(random_boxes(5000, side=8000)))]
    small = [size for size in leaf_bytes if size < LIMITS.min_bytes]
    assert len(small) <= 0.1 * len(leaf_bytes)


def test_one_changed_feature_changes_one_leaf() -> None:
    boxes = random_boxes(3000, side=3000)
    before = {tuple(leaf.rows.tolist()) for leaf in _leaves(_tree(boxes))}
    boxes[17, 3:] += 0.5
    after = {tuple(leaf.rows.tolist()) for leaf in _leaves(_tree(boxes))}
    assert len(before ^ after) <= 4


@pytest.mark.parametrize("count", [1, 20])
def test_a_small_layer_is_one_tile_seen_from_afar(count: int) -> None:
    boxes = random_boxes(count, side=200)
    tree = _tree(boxes)
    assert tree.root is not None
    assert not tree.root.children
    whole = boxes[:, 3:].max(axis=0) - boxes[:, :3].min(axis=0)
    assert tree.error == pytest.approx(np.linalg.norm(whole), abs=0.011)
