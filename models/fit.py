"""Plane transformations from control points: 4-parameter similarity and 6-parameter affine.

Arrays in, a :class:`Fit` out, with everything a reviewer asks of it: residuals, RMSE, the largest
residual, and what each point would have missed had it been left out. A fit that is not good enough
is refused, never returned. Its parameters may be classified, so that they are not shown in logs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import shapely

from models.errors import DatumError, OutsideAreaError

Array = npt.NDArray[np.float64]
Kind = Literal["similarity", "affine"]

#: Refusal limits: RMSE in metres, |scale - 1|, and the condition number of the normalised design.
MAX_RMSE: Final = 0.05
MAX_SCALE_ERROR: Final = 5e-4
MAX_CONDITION: Final = 100.0

_MIN_POINTS: Final[dict[str, int]] = {"similarity": 3, "affine": 4}


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted transformation ``target = matrix @ (source - origin) + shift``.

    ``residuals`` (k, 2) metres are observed minus fitted; ``leave_one_out`` (k,) metres is how far
    each control point lies from where the other points alone would put it. ``rmse`` is the root of
    the mean squared residual length. ``area`` is where the fit may be used.
    """

    kind: Kind
    residuals: Array
    leave_one_out: Array
    area: shapely.Geometry = field(repr=False)
    matrix: Array = field(repr=False)
    origin: Array = field(repr=False)
    shift: Array = field(repr=False)

    @property
    def rmse(self) -> float:
        """Metres."""
        return float(np.sqrt(np.mean(np.sum(self.residuals**2, axis=1))))

    @property
    def max_residual(self) -> float:
        """Length of the longest residual in metres."""
        return float(np.hypot(*self.residuals.T).max())

    @property
    def scale(self) -> float:
        """Mean scale: the square root of the change of area."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    @property
    def rotation(self) -> float:
        """Radians, counter-clockwise."""
        return float(np.arctan2(self.matrix[1, 0], self.matrix[0, 0]))

    def apply(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array]:
        """Target coordinates of source ``x``, ``y`` (metres, 1-D).

        Raises :class:`OutsideAreaError` for points outside :attr:`area`.
        """
        points = np.column_stack([np.atleast_1d(x), np.atleast_1d(y)]).astype(np.float64)
        outside = ~shapely.intersects_xy(self.area, points)
        if outside.any():
            first = int(np.argmax(outside))
            raise OutsideAreaError(
                f"{np.count_nonzero(outside)} points lie outside the control points' area, the "
                f"first is point {first + 1}. Add control points there, or leave the points out.",
                f"{np.count_nonzero(outside)} 个点位于控制点范围之外，首个为第 {first + 1} 点。"
                "请在该处补充控制点，或去除这些点。",
            )
        moved = (points - self.origin) @ self.matrix.T + self.shift
        return moved[:, 0], moved[:, 1]

    def invert(self, e: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Array, Array]:
        """Source coordinates of target ``e``, ``n`` (metres, 1-D)."""
        points = np.column_stack([np.atleast_1d(e), np.atleast_1d(n)]).astype(np.float64)
        back = np.linalg.solve(self.matrix, (points - self.shift).T).T + self.origin
        return back[:, 0], back[:, 1]


def fit_similarity(
    source: npt.ArrayLike, target: npt.ArrayLike, area: shapely.Geometry | None = None
) -> Fit:
    """4 parameters: E' = a E - b N + tx, N' = b E + a N + ty, from 3 points or more (better 5).

    ``source``, ``target`` are (k, 2) metres, east first. ``area`` (source coordinates) is where the
    fit may be used; by default the control points' convex hull, widened by a tenth of its size.
    Raises :class:`DatumError` for too few or ill-placed points, an RMSE over :data:`MAX_RMSE` or a
    scale that differs from 1 by more than :data:`MAX_SCALE_ERROR`.
    """
    return _fit("similarity", source, target, area)


def fit_affine(
    source: npt.ArrayLike, target: npt.ArrayLike, area: shapely.Geometry | None = None
) -> Fit:
    """6 parameters, from 4 points or more; else as :func:`fit_similarity`."""
    return _fit("affine", source, target, area)


def _fit(
    kind: Kind, source: npt.ArrayLike, target: npt.ArrayLike, area: shapely.Geometry | None
) -> Fit:
    src, dst = _checked(kind, source, target)
    origin, centre = src.mean(axis=0), dst.mean(axis=0)
    size = float(np.hypot(*(src - origin).T).max())
    if size == 0.0:
        raise _ill_placed(kind)
    # Centred and scaled to 1: else eight-digit northings would eat the figures that matter.
    design = _design(kind, (src - origin) / size)
    if np.linalg.cond(design) > MAX_CONDITION:
        raise _ill_placed(kind)
    observed = (dst - centre).ravel()
    solution = np.linalg.lstsq(design, observed, rcond=None)[0]
    residuals = (observed - design @ solution).reshape(-1, 2)
    if kind == "similarity":
        a, b = solution[:2]
        matrix, shift = np.array([[a, -b], [b, a]]), solution[2:]
    else:
        matrix, shift = solution[:4].reshape(2, 2), solution[4:]
    hull = shapely.MultiPoint(src).convex_hull
    fit = Fit(
        kind=kind,
        residuals=residuals,
        leave_one_out=_leave_one_out(design, residuals),
        area=hull.buffer(size / 10) if area is None else area,
        matrix=matrix / size,
        origin=origin,
        shift=shift + centre,
    )
    _accept(fit)
    return fit


def _checked(kind: Kind, source: npt.ArrayLike, target: npt.ArrayLike) -> tuple[Array, Array]:
    src, dst = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if src.shape != dst.shape or src.ndim != 2 or src.shape[1] != 2:
        raise DatumError(
            f"Control points come as two (k, 2) tables of equal length; found {src.shape} and "
            f"{dst.shape}. Pair every source point with its target point.",
            f"控制点应为两个等长的 (k, 2) 表；实为 {src.shape} 与 {dst.shape}。请逐点配对。",
        )
    if len(src) < _MIN_POINTS[kind] or not (np.isfinite(src).all() and np.isfinite(dst).all()):
        least = _MIN_POINTS[kind]
        raise DatumError(
            f"A {kind} fit needs at least {least} complete control points; found {len(src)}. "
            "Add control points.",
            f"该拟合至少需要 {least} 个完整的控制点；实有 {len(src)} 个。请补充控制点。",
        )
    return src, dst


def _ill_placed(kind: Kind) -> DatumError:
    return DatumError(
        f"The control points lie too close together or on one line for a {kind} fit. "
        "Use points spread over the whole area.",
        "控制点过于集中或近于共线，无法可靠拟合。请选用分布于全区的控制点。",
    )


def _design(kind: Kind, unit: Array) -> Array:
    """(2k, p) design matrix of centred coordinates, rows alternating east, north."""
    count = len(unit)
    x, y = unit.T
    design = np.zeros((2 * count, 4 if kind == "similarity" else 6))
    if kind == "similarity":
        design[0::2, 0], design[0::2, 1], design[0::2, 2] = x, -y, 1.0
        design[1::2, 0], design[1::2, 1], design[1::2, 3] = y, x, 1.0
    else:
        design[0::2, 0], design[0::2, 1], design[0::2, 4] = x, y, 1.0
        design[1::2, 2], design[1::2, 3], design[1::2, 5] = x, y, 1.0
    return design


def _leave_one_out(design: Array, residuals: Array) -> Array:
    """Prediction errors of the k points in closed form: (I - H_ii)^-1 r_i with 2x2 blocks H_ii."""
    q = np.linalg.qr(design)[0].reshape(len(residuals), 2, -1)
    blocks = np.eye(2) - q @ q.transpose(0, 2, 1)
    # A point that the others cannot replace has a singular block: its error is unbounded.
    replaceable = np.abs(np.linalg.det(blocks)) > 1e-9
    errors = np.full(len(residuals), np.inf)
    solved = np.linalg.solve(blocks[replaceable], residuals[replaceable][:, :, None])[:, :, 0]
    errors[replaceable] = np.hypot(*solved.T)
    return errors


def _accept(fit: Fit) -> None:
    if fit.rmse > MAX_RMSE:
        worst = int(np.argmax(np.hypot(*fit.residuals.T)))
        raise DatumError(
            f"The fit's RMSE is {fit.rmse:.3f} m, expected at most {MAX_RMSE} m; the largest "
            f"residual is {fit.max_residual:.3f} m at point {worst + 1}. Check that point, or "
            "that both tables name the same points.",
            f"拟合中误差 {fit.rmse:.3f} m，超过限值 {MAX_RMSE} m；"
            f"最大残差 {fit.max_residual:.3f} m，在第 {worst + 1} 点。"
            "请检查该点，或检查两表点号是否对应。",
        )
    if not abs(fit.scale - 1.0) <= MAX_SCALE_ERROR:
        raise DatumError(
            f"The fit's scale is {fit.scale:.6f}, expected 1 within {MAX_SCALE_ERROR:g}. "
            "Check units and coordinate systems of both tables.",
            f"拟合尺度为 {fit.scale:.6f}，与 1 之差超过 {MAX_SCALE_ERROR:g}。"
            "请检查两表的单位与坐标系。",
        )
