"""The layer's frame against the CRS module, over tens of kilometres."""

from __future__ import annotations

import numpy as np

from models.crs import enu_frame, storage_to_ecef
from tiles.tilers.frame import LocalFrame

FRAME = LocalFrame(enu_frame(121.2264, 30.9869, 14.0))
E, N = np.array([617486.771, 612000.0, 620000.0]), np.array([3430515.006, 3431000.0, 3445000.0])
H = np.array([4.0, -12.0, 600.0])


def test_enu_is_the_exact_transformation() -> None:
    ecef = FRAME.enu(E, N, H) @ FRAME.matrix[:3, :3].T + FRAME.matrix[:3, 3]
    assert np.abs(ecef - storage_to_ecef(E, N, H)).max() < 1e-6


def test_up_moves_a_point_by_its_height() -> None:
    base = FRAME.enu(E, N, np.zeros(3))
    top = FRAME.enu(E, N, np.full(3, 1000.0))
    assert np.abs(base + 1000 * FRAME.up(base) - top).max() < 1e-3
    assert np.abs(base + 30 * FRAME.up(base) - FRAME.enu(E, N, np.full(3, 30.0))).max() < 1e-5


def test_the_jacobian_predicts_small_steps() -> None:
    step = np.array([3.0, -2.0, 1.0])
    moved = FRAME.enu(E + step[0], N + step[1], H + step[2]) - FRAME.enu(E, N, H)
    assert np.abs(FRAME.jacobian(E, N, H) @ step - moved).max() < 1e-5


def test_a_bad_point_is_nan_and_harms_no_other() -> None:
    e, n, h = np.tile(E[0], 6), np.tile(N[0], 6), np.tile(H[0], 6)
    e[1], n[2], h[3], e[4], n[5] = np.nan, np.inf, np.nan, 1e30, -9e9
    found = FRAME.enu(e, n, h)
    assert np.isnan(found[1:]).all()
    assert np.array_equal(found[0], FRAME.enu(E[:1], N[:1], H[:1])[0])
    assert FRAME.enu(*np.empty((3, 0))).shape == (0, 3)
