"""Grammar of section sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ingest.mapping.sizes import sizes
from ingest.mapping.values import Placeholders

ZERO = Placeholders(frozenset({"不详", "/"}), frozenset({9999.0}), frozenset(), True)


def column(*cells: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    out = np.empty(len(cells), object)
    out[:] = cells
    return out


@pytest.mark.parametrize(
    ("text", "width", "height", "box", "outer"),
    [
        (300, 300, 300, False, False),
        ("300", 300, 300, False, False),
        ("DN300", 300, 300, False, False),
        ("ｄｎ３００", 300, 300, False, False),
        ("Φ219.1", 219.1, 219.1, False, False),
        ("φ600", 600, 600, False, False),
        ("De110", 110, 110, False, True),
        ("800X600", 800, 600, True, False),
        ("800×600", 800, 600, True, False),
        ("800 * 600", 800, 600, True, False),
        ("Ф300", 300, 300, False, False),  # Cyrillic Ef
        ("ф300", 300, 300, False, False),
        ("⌀300", 300, 300, False, False),
        ("800Х600", 800, 600, True, False),  # Cyrillic Kha
        ("B×H=1000×800", 1000, 800, True, False),
        ("BxH 1.0×0.8m", 1000, 800, True, False),
        ("宽×高：1000×800", 1000, 800, True, False),
        ("3X4Φ150", 450, 600, True, False),
        ("2*2-DN100", 200, 200, True, False),
    ],
)
def test_sizes(text: Any, width: float, height: float, box: bool, outer: bool) -> None:
    size = sizes(column(text), ZERO)
    assert (size.width[0], size.height[0], size.box[0], size.outer[0]) == (
        width,
        height,
        box,
        outer,
    )


@pytest.mark.parametrize(
    "text",
    [
        "DN3OO",
        "300#",
        "-300",
        "800X",
        "X600",
        "0X600",
        "三百",
        "3XDN100",
        "0X4Φ150",
        "3X4Φ0",
        "H=800",
    ],
)
def test_illegal_sizes(text: str) -> None:
    assert sizes(column(text), ZERO).bad[0]


def test_size_in_metres_is_scaled_but_dn_is_millimetres() -> None:
    size = sizes(column(0.3, "DN300", "0.8X0.6"), ZERO, factor=1000.0)
    np.testing.assert_allclose(size.width, [300, 300, 800])
    np.testing.assert_allclose(size.height, [300, 300, 600])


def test_only_a_bank_counts_its_ducts() -> None:
    found = sizes(column("3X4Φ150", "800X600", "Φ150", None), ZERO)
    np.testing.assert_array_equal(found.ducts, [12, np.nan, np.nan, np.nan])
