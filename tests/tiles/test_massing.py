"""Far views: few boxes, of equal volume, no farther from what they stand for than they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.content import F64, Column
from tiles.far_boxes import MAX_BOXES, SHARE, Boxes
from tiles.gltf import COMPAT, DEFAULT, encode
from tiles.inspect import Glb
from tiles.massing import Legend, Look, content, generalised, joined
from tiles.testing import GLASS, WALL, khronos

_CORNERS = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij"), -1).reshape(-1, 3)
#: Also the middles of the sides, and that of foot and top.
_PROBES = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], [-1, 1], indexing="ij"), -1).reshape(-1, 3)

#: Two materials, three functions.
LEGEND = Legend(
    (Look(WALL, ("house",)), Look(GLASS, (None,)), Look(WALL, ("shop",))),
    "building_look",
    (Column("function", "功能", "Function", "STRING", ()),),
)


def boxes(count: int, *, spread: float = 3000.0, seed: int = 1, stacked: bool = False) -> Boxes:
    random = np.random.default_rng(seed)
    angle = random.random(count) * np.pi
    half = random.uniform(2, 15, (count, 3)) * [1, 1, 3]
    centre = np.column_stack([random.uniform(-spread, spread, (count, 2)), half[:, 2] + 4])
    return Boxes(
        centre.astype(np.float32),
        np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32),
        half.astype(np.float32),
        random.integers(0, 3, count).astype(np.uint32),
        np.full(count, 0.5, np.float32),
        LEGEND,
        count,
        stacked,
    )


def corners(massing: Boxes, shape: F64 = _CORNERS) -> F64:
    """The corners (n, 8, 3) of all boxes, or their points where the unit box has ``shape``."""
    along = massing.axis.astype(np.float64)
    across = along[:, ::-1] * (-1, 1)
    local = shape * massing.half[:, None].astype(np.float64)
    plan = local[..., :1] * along[:, None] + local[..., 1:2] * across[:, None]
    out: F64 = np.concatenate([plan, local[..., 2:]], axis=2) + massing.centre[:, None]
    return out


def away(points: F64, massing: Boxes) -> F64:
    """How far each of ``points`` (n, 3) is from the nearest of the boxes."""
    along = massing.axis.astype(np.float64)
    across = along[:, ::-1] * (-1, 1)
    offset = points[:, None] - massing.centre
    local = np.stack(
        [
            np.einsum("nbi,bi->nb", offset[..., :2], along),
            np.einsum("nbi,bi->nb", offset[..., :2], across),
            offset[..., 2],
        ],
        axis=2,
    )
    outside = np.maximum(np.abs(local) - massing.half, 0)
    return np.asarray(np.linalg.norm(outside, axis=2).min(axis=1))


@settings(deadline=None, max_examples=25)
@given(
    count=st.integers(1, 300),
    spread=st.sampled_from([0.0, 20.0, 400.0, 30_000.0]),
    seed=st.integers(0, 2**32 - 1),
    stacked=st.booleans(),
)
def test_few_boxes_within_their_error(count: int, spread: float, seed: int, stacked: bool) -> None:
    made = boxes(count, spread=spread, seed=seed, stacked=stacked)
    few = generalised(made)
    assert len(few.centre) <= max(count // SHARE, 1)
    assert few.count == count
    room = float(few.error.max()) + 0.01
    assert away(corners(made).reshape(-1, 3), few).max() <= room
    assert away(corners(few, _PROBES).reshape(-1, 3), made).max() <= room


@pytest.mark.parametrize("stacked", [False, True])
def test_the_void_between_what_is_merged_counts(stacked: bool) -> None:
    two = replace(
        boxes(2, stacked=stacked),
        centre=np.array([[-50, 0, 5], [50, 0, 5]], np.float32),
        axis=np.array([[1, 0], [1, 0]], np.float32),
        half=np.full((2, 3), 5, np.float32),
    )
    one = generalised(two)
    assert isinstance(one, Boxes) and len(one.centre) == 1
    void = away(corners(one, _PROBES).reshape(-1, 3), two).max()
    assert void == pytest.approx(45.0, abs=0.1)
    assert void <= float(one.error[0]) < 60.0


def test_merging_keeps_volume_and_the_largest() -> None:
    made = boxes(2000)
    few = generalised(made)
    assert few.half.astype(float).prod(axis=1).sum() == pytest.approx(
        made.half.astype(float).prod(axis=1).sum(), rel=0.02
    )
    tallest = made.centre[np.argsort(-made.half[:, 2])[:50]]
    assert {tuple(p) for p in tallest.tolist()} <= {tuple(p) for p in few.centre.tolist()}


def test_a_tile_has_a_bounded_number_and_again_level_by_level() -> None:
    level = [generalised(boxes(9000, seed=seed)) for seed in range(4)]
    above = generalised(joined(level))
    assert max(len(part.centre) for part in (*level, above)) <= MAX_BOXES
    assert above.count == 36_000


@settings(deadline=None, max_examples=15)
@given(
    spread=st.sampled_from([20.0, 400.0, 3000.0]),
    seed=st.integers(0, 2**16),
    stacked=st.booleans(),
)
def test_the_error_is_that_of_the_features_after_any_number_of_levels(
    spread: float, seed: int, stacked: bool
) -> None:
    parts = [boxes(60, spread=spread, seed=seed + n, stacked=stacked) for n in range(8)]
    features, level = parts[0].joined(parts[1:]), parts
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [one.joined([other]).generalised() for one, other in pairs]
        level = [replace(part, count=len(part.centre)) for part in level]  # so that it goes on
    (far,) = level
    assert len(far.centre) <= len(features.centre) // 8
    room = float(far.error.max()) + 0.01
    assert away(corners(features).reshape(-1, 3), far).max() <= room
    assert away(corners(far, _PROBES).reshape(-1, 3), features).max() <= room


def test_few_enough_stay_as_they_are() -> None:
    alone = boxes(1)
    assert generalised(alone) is alone


def test_the_file_is_small_valid_and_draws_the_boxes(tmp_path: Path) -> None:
    made = boxes(1000)
    glb = encode(content(made), DEFAULT)
    assert len(glb) < 27_000
    (tmp_path / "default.glb").write_bytes(glb)
    (tmp_path / "compat.glb").write_bytes(encode(content(made), COMPAT))
    report = khronos(sorted(tmp_path.iterdir()))
    assert (report["count"], report["errors"], report["warnings"]) == (2, 0, 0)
    assert Glb(glb).table() == {"id": [], "function": ["house", None, "shop"]}
    drawn = np.concatenate([part.positions for part in Glb(glb).parts()])
    assert away(drawn, made).max() < 0.3
    names = {material["name"] for material in Glb(glb).json["materials"]}
    assert names == {"wall", "glass"}
