"""Placements of instanced bodies: quaternions, and affine maps taken apart."""

from __future__ import annotations

import numpy as np

from tiles.content import F32, F64


def standing(up: F64, yaw: F64) -> F32:
    """Quaternions xyzw (k, 4) that stand a z-up body on ``up`` (k, 3), after turning it by ``yaw``.

    ``yaw`` (k,) radians, counter-clockwise seen from above. ``up`` must not point straight down.
    """
    tilt = unit_quaternions(np.column_stack([-up[:, 1], up[:, 0], np.zeros(len(up)), 1 + up[:, 2]]))
    s, c = np.sin(yaw / 2), np.cos(yaw / 2)
    x, y, z, w = tilt.T  # tilt * turn about z
    turned = np.column_stack([x * c + y * s, y * c - x * s, w * s + z * c, w * c - z * s])
    return turned.astype(np.float32)


def unit_quaternions(q: F64) -> F64:
    """``q`` (k, 4) scaled to length 1."""
    out: F64 = q / np.linalg.norm(q, axis=1, keepdims=True)
    return out


def decompose(linear: F64) -> tuple[F64, F64, F64]:
    """Rotations (k, 3, 3), scales (k, 3) and what they miss of ``linear`` (k, 3, 3).

    The rotation is the nearest one (polar decomposition), the scale the diagonal of what is left;
    the third result (k, 3, 3) is ``linear`` minus rotation times scale. A mirroring map gets a
    rotation too, so that its remainder is large: draw such an element as it is.
    """
    u, _, vt = np.linalg.svd(linear)
    rotation = u @ vt
    mirrored = np.linalg.det(rotation) < 0
    u[mirrored, :, 2] *= -1
    rotation[mirrored] = u[mirrored] @ vt[mirrored]
    scale = np.einsum("kij,kij->kj", rotation, linear)  # diagonal of rotationᵀ · linear
    return rotation, scale, linear - rotation * scale[:, None, :]


def quaternions(rotation: F64) -> F32:
    """Quaternions xyzw (k, 4), w ≥ 0, of rotation matrices (k, 3, 3)."""
    if not len(rotation):
        return np.empty((0, 4), np.float32)
    m = rotation
    xx, yy, zz = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    # Four forms of the same quaternion times one component; the longest is the most exact.
    x, y, z = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    xy, xz, yz = m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 1, 2] + m[:, 2, 1]
    forms = np.array(
        [
            [1 + xx - yy - zz, xy, xz, x],
            [xy, 1 - xx + yy - zz, yz, y],
            [xz, yz, 1 - xx - yy + zz, z],
            [x, y, z, 1 + xx + yy + zz],
        ]
    ).transpose(2, 0, 1)
    best = np.linalg.norm(forms, axis=2).argmax(axis=1)
    q = unit_quaternions(forms[np.arange(len(forms)), best])
    sign = np.where(q[:, 3:] < 0, -1.0, 1.0)
    out: F32 = (q * sign).astype(np.float32)
    return out
