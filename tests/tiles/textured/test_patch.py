"""What is made simpler stays simpler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from opengl_decimate import DecimateError, simplify
from PIL import Image

from tiles.textured import patch
from tiles.textured.patch import Patch, simplified


def strips(count: int = 8, wide: int = 4, long: int = 24) -> Patch:
    """A flat square of ``count`` images beside each other, each of ``wide`` x ``long`` cells."""
    x, y = (g.ravel() for g in np.meshgrid(np.arange(wide + 1.0), np.arange(long + 1.0)))
    number = np.arange(x.size).reshape(long + 1, wide + 1)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    faces = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], -2).reshape(-1, 3)
    each = range(count)
    uv = np.column_stack([x / wide * 0.9 / count, y / long])
    return Patch(
        np.concatenate([np.column_stack([x + wide * at, y, np.zeros_like(x)]) for at in each]),
        np.concatenate([np.add(uv, [at / count, 0.0]) for at in each]).astype(np.float32),
        np.concatenate([faces + x.size * at for at in each]).astype(np.uint32),
        np.zeros((count * x.size, 2), np.int32),
        Image.new("RGB", (64, 64)),
    )


def test_seams_stay_unless_that_leaves_too_much() -> None:
    whole = strips()
    out = simplified(whole, 0, 0, 8)
    assert len(out.faces) < len(whole.faces) / 4


def test_a_second_pass_that_fails_keeps_what_the_first_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes = []

    def once(attributes: Any, indices: Any, options: Any) -> Any:
        passes.append(options.lock_seams)
        if not options.lock_seams:
            raise DecimateError("no such surface")
        return simplify(attributes, indices, options)

    monkeypatch.setattr(patch, "simplify", once)
    whole = strips()
    out = simplified(whole, 0, 0, 8)
    assert passes == [True, False]
    assert 16 < len(out.faces) < len(whole.faces) / 2
