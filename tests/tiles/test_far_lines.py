"""Pipes from afar: no more lines than a tile can hold, no farther from the pipes than they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles import far_lines
from tiles.content import F64, Column, Material
from tiles.far_lines import WIDTH, Lines
from tiles.gltf import PROFILES, encode
from tiles.inspect import Glb
from tiles.massing import Legend, Look, content, generalised, joined
from tiles.massing_bytes import packed, unpacked
from tiles.testing import khronos

LEGEND = Legend(
    (Look(Material("JS", (0, 0.7, 1, 1)), ("JS",)), Look(Material("RQ", (1, 0, 1, 1)), ("RQ",))),
    "pipe_look",
    (Column("class_code", "类别", "Class", "ENUM", (), enum="pipe_class"),),
)


def lines(count: int, *, spread: float = 1000.0, longest: float = 60.0, seed: int = 1) -> Lines:
    random = np.random.default_rng(seed)
    a = random.uniform(-spread, spread, (count, 3)) * [1, 1, 0.01]
    b = a + random.uniform(-longest, longest, (count, 3)) * [1, 1, 0.02]
    thick = random.choice([0.1, 0.3, 1.2], count)
    return Lines(
        a.astype(np.float32),
        b.astype(np.float32),
        thick.astype(np.float32),
        random.integers(0, 2, count).astype(np.uint32),
        LEGEND,
    )


def away(points: F64, of: Lines) -> F64:
    """How far each of ``points`` (n, 3) is from the nearest of the lines."""
    a, side = of.a.astype(float), of.b.astype(float) - of.a
    t = np.einsum("nkj,kj->nk", points[:, None] - a, side) / np.maximum(
        (side**2).sum(axis=1), 1e-12
    )
    foot = a + np.clip(t, 0, 1)[..., None] * side
    return np.asarray(np.linalg.norm(points[:, None] - foot, axis=2).min(axis=1))


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 400),
    spread=st.sampled_from([0.0, 30.0, 2000.0]),
    longest=st.sampled_from([0.0, 2.0, 80.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_few_lines_within_their_error(count: int, spread: float, longest: float, seed: int) -> None:
    made = lines(count, spread=spread, longest=longest, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(far_lines, "MAX_LINES", 40)
        few = generalised(made)
    assert isinstance(few, Lines)
    assert 0 < len(few.a) <= max(40, min(count, 40))
    share = np.linspace(0, 1, 5)[:, None, None]
    points = (made.a + share * (made.b - made.a)).reshape(-1, 3).astype(float)
    # pipes are narrower than this, and the corner of a well is this far from its middle
    body = WIDTH * np.sqrt(0.5) * made.thick.max()
    assert away(points, few).max() + body <= few.error.max() + 1e-3
    drawn = (few.a + share * (few.b - few.a)).reshape(-1, 3).astype(float)
    assert away(drawn, made).max() <= few.error.max() + 1e-3
    held = {made.legend.looks[look] for look in made.look}
    assert {few.legend.looks[look] for look in few.look} <= held
    assert few.error.max() >= WIDTH * few.thick.max()


def test_the_thickest_stay_where_they_are() -> None:
    street = lines(3000, spread=300)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(far_lines, "MAX_LINES", 1500)
        few = generalised(street)
    assert isinstance(few, Lines)
    kept = {tuple(p) for p in np.concatenate([few.a, few.b]).tolist()}
    stays = np.array([tuple(p) in kept for p in street.a.tolist()])
    assert stays[street.thick > 1].mean() > 1.5 * stays[street.thick < 0.2].mean()


def test_joined_lines_share_looks_and_are_drawn_by_their_class(tmp_path: Path) -> None:
    other = Legend((LEGEND.looks[1],), LEGEND.class_name, LEGEND.columns)
    last = lines(5, seed=9)
    second = Lines(last.a, last.b, last.thick, np.zeros(5, np.uint32), other)
    both = joined([lines(30), second])
    assert isinstance(both, Lines)
    assert len(both.legend.looks) == 2
    assert both.look[-5:].tolist() == [1] * 5
    for name, profile in PROFILES.items():
        glb = encode(content(both), profile)
        (tmp_path / f"{name}.glb").write_bytes(glb)
        (part,) = Glb(glb).parts()
        assert part.indices.shape == (35, 2)
        assert Glb(glb).table() == {"id": [], "class_code": ["JS", "RQ"]}
        ends = part.positions[part.indices]
        wanted = np.stack([both.a, both.b], axis=1)
        order, mine = (np.lexsort(e.reshape(-1, 6).round(1).T) for e in (ends, wanted))
        assert np.abs(ends[order] - wanted[mine]).max() < 0.05
        assert np.array_equal(part.feature_ids[part.indices[order, 0]], both.look[mine])
    report = khronos(sorted(tmp_path.iterdir()))
    assert (report["count"], report["errors"], report["warnings"]) == (3, 0, 0)


def test_kept_as_bytes_and_back() -> None:
    made = lines(20)
    again = unpacked(packed(made))
    assert isinstance(again, Lines)
    assert again.legend == made.legend
    assert encode(content(again)) == encode(content(made))
