"""Whose word a pipe's thickness is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tiles.tilers.pipe_sizes import sizes
from tiles.tilers.style import default_style

CASES = [
    ({"od_mm": 315, "id_mm": 300, "width_mm": 300}, ("round", 0.315, 0.315, "od", "DN300")),
    ({"id_mm": 300, "wall_mm": 30}, ("round", 0.36, 0.36, "id_wall", "DN300")),
    ({"shape": "round", "width_mm": 300}, ("round", 0.3, 0.3, "nominal", "DN300")),
    ({"id_mm": 200}, ("round", 0.2, 0.2, "nominal", "DN200")),
    (
        {"shape": "rect", "width_mm": 2000, "height_mm": 1500},
        ("rect", 2, 1.5, "section", "2000×1500"),
    ),
    ({"shape": "bank", "width_mm": 600}, ("bank", 0.6, 0.6, "section", "600×600")),
    (
        {"shape": "egg", "width_mm": 800, "height_mm": 1200},
        ("egg", 0.8, 1.2, "section", "800×1200"),
    ),
    ({}, ("round", 0.1, 0.1, "assumed", None)),
    ({"shape": "rect"}, ("round", 0.1, 0.1, "assumed", None)),
    ({"od_mm": 0, "width_mm": -5}, ("round", 0.1, 0.1, "assumed", None)),
    ({"od_mm": 9e9, "width_mm": 400}, ("round", 0.4, 0.4, "nominal", "DN400")),
    ({"width_mm": "不详"}, ("round", 0.1, 0.1, "assumed", None)),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_sizes(given: dict[str, object], expected: tuple[object, ...]) -> None:
    found = sizes(pd.DataFrame([given], index=[0]), default_style("pipes"))
    got = (found.shape[0], found.width[0], found.height[0], found.basis[0], found.text[0])
    assert got == pytest.approx(expected)


def test_all_at_once() -> None:
    found = sizes(pd.DataFrame([given for given, _ in CASES]), default_style("pipes"))
    assert np.allclose(found.width, [expected[1] for _, expected in CASES])
    assert found.basis.tolist() == [expected[3] for _, expected in CASES]
