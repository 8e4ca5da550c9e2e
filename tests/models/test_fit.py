"""Control-point fits: what they find, what they report, what they refuse."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import DatumError, OutsideAreaError
from models.fit import Fit, fit_affine, fit_similarity

Array = npt.NDArray[np.float64]

SOURCE = np.array(
    [
        [-21_000.0, -24_000],
        [-18_500, -24_200],
        [-19_700, -22_100],
        [-21_300, -21_900],
        [-20_000, -23_000],
    ]
)


def turned(points: Array, angle: float, scale: float, shift: tuple[float, float]) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    moved: Array = scale * points @ np.array([[cos, sin], [-sin, cos]]) + shift
    return moved


@given(
    st.floats(-0.02, 0.02),
    st.floats(0.9997, 1.0003),
    st.tuples(st.floats(4e5, 7e5), st.floats(3.3e6, 3.5e6)),
)
def test_similarity_finds_the_transformation(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    fit = fit_similarity(SOURCE, turned(SOURCE, angle, scale, shift))
    assert fit.rmse < 1e-6
    assert fit.rotation == pytest.approx(angle, abs=1e-9)
    assert fit.scale == pytest.approx(scale, abs=1e-9)
    e, n = fit.apply([-20_500.0], [-23_500.0])
    assert np.ravel(fit.invert(e, n)) == pytest.approx([-20_500, -23_500], abs=1e-3)


def test_affine_finds_shear_that_similarity_refuses() -> None:
    target = SOURCE @ np.array([[1.0001, 0.0002], [0.0001, 0.9999]]).T + (617_000, 3_430_000)
    assert fit_affine(SOURCE, target).rmse < 1e-6
    with pytest.raises(DatumError, match="RMSE"):
        fit_similarity(SOURCE, target)


@pytest.mark.parametrize("fitter", [fit_similarity, fit_affine])
def test_leave_one_out_is_what_leaving_one_out_gives(fitter: type[Fit]) -> None:
    noise = np.random.default_rng(7).normal(0, 0.01, SOURCE.shape)
    target = turned(SOURCE, 0.0006, 1.00002, (617_000, 3_430_000)) + noise
    fit = fitter(SOURCE, target)  # type: ignore[call-arg, arg-type]
    for left in range(len(SOURCE)):
        keep = np.arange(len(SOURCE)) != left
        other = _plain(SOURCE[keep], target[keep], fit.kind)
        missed = np.hypot(*(target[left] - other(SOURCE[left])))
        assert fit.leave_one_out[left] == pytest.approx(missed, abs=1e-6)
    assert fit.max_residual >= fit.rmse > 0


def _plain(src: Array, dst: Array, kind: str):  # type: ignore[no-untyped-def]
    """The same least squares written the long way, as a judge."""
    x, y = (src - SOURCE.mean(axis=0)).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    if kind == "similarity":
        rows = [np.column_stack(c) for c in ((x, -y, one, zero), (y, x, zero, one))]
    else:
        rows = [
            np.column_stack(c)
            for c in ((x, y, one, zero, zero, zero), (zero, zero, zero, x, y, one))
        ]
    centre = dst.mean(axis=0)  # uncentred northings cost five figures: that is the point
    p = np.linalg.lstsq(np.vstack(rows), np.concatenate((dst - centre).T), rcond=None)[0]

    def move(point: Array):  # type: ignore[no-untyped-def]
        u, v = point - SOURCE.mean(axis=0)
        if kind == "similarity":
            return centre + np.array([p[0] * u - p[1] * v + p[2], p[1] * u + p[0] * v + p[3]])
        return centre + np.array([p[0] * u + p[1] * v + p[2], p[3] * u + p[4] * v + p[5]])

    return move


def test_one_bad_point_is_named() -> None:
    target = turned(SOURCE, 0.001, 1.0, (617_000, 3_430_000))
    target[2, 0] += 0.5
    with pytest.raises(DatumError, match="at point 3") as caught:
        fit_similarity(SOURCE, target)
    assert "第 3 点" in caught.value.zh


def test_a_scale_that_is_no_map_scale_is_refused() -> None:
    with pytest.raises(DatumError, match="scale"):
        fit_similarity(SOURCE, turned(SOURCE, 0.0, 1.001, (0, 0)))


@pytest.mark.parametrize(
    ("fitter", "source", "why"),
    [
        (fit_similarity, SOURCE[:2], "at least 3"),
        (fit_affine, SOURCE[:3], "at least 4"),
        (fit_affine, np.column_stack([np.arange(5.0), np.arange(5.0)]), "one line"),
        (fit_similarity, np.ones((4, 2)), "close together"),
        (fit_similarity, np.array([[0, 0], [1, 0], [np.nan, 1.0]]), "complete"),
        (fit_similarity, np.ones((4, 3)), "tables of equal length"),
    ],
)
def test_points_that_cannot_carry_a_fit_are_refused(
    fitter: type[Fit], source: Array, why: str
) -> None:
    with pytest.raises(DatumError, match=why):
        fitter(source, source)  # type: ignore[call-arg, arg-type]


def test_use_outside_the_control_points_is_refused_and_parameters_stay_private() -> None:
    fit = fit_similarity(SOURCE, turned(SOURCE, 0.001, 1.0, (617_000, 3_430_000)))
    with pytest.raises(OutsideAreaError, match="point 2"):
        fit.apply([-20_000.0, 90_000.0], [-23_000.0, 0.0])
    assert "617" not in repr(fit)
    assert "matrix" not in repr(fit)
