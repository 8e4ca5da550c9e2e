"""Transforms of glTF nodes and of instances as 4 × 4 matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.content import F64

JsonObject = dict[str, Any]
Array = npt.NDArray[Any]


def local_matrix(node: JsonObject) -> F64:
    """A node's own transform (4, 4)."""
    if "matrix" in node:
        out = np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    else:
        defaults = {
            "TRANSLATION": node.get("translation", (0.0, 0.0, 0.0)),
            "ROTATION": node.get("rotation", (0.0, 0.0, 0.0, 1.0)),
            "SCALE": node.get("scale", (1.0, 1.0, 1.0)),
        }
        out = matrices_of({name: np.array([v], np.float64) for name, v in defaults.items()})[0]
    if not np.isfinite(out).all():
        raise ValueError("a node transform that is not finite")
    return out


def matrices_of(placed: dict[str, Array]) -> F64:
    """(k, 4, 4) of TRANSLATION, ROTATION (quaternions x, y, z, w) and SCALE, any of which may lack.

    The matrix of a unit quaternion is written out; others are brought to length 1 first.
    """
    count = min(len(values) for values in placed.values())
    out = np.broadcast_to(np.eye(4), (count, 4, 4)).copy()
    if "ROTATION" in placed:
        q = placed["ROTATION"].astype(np.float64)
        x, y, z, w = (q / np.maximum(np.linalg.norm(q, axis=1, keepdims=True), 1e-30)).T
        out[:, 0, :3] = np.stack(
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], 1
        )
        out[:, 1, :3] = np.stack(
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], 1
        )
        out[:, 2, :3] = np.stack(
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], 1
        )
    if "SCALE" in placed:
        out[:, :3, :3] *= placed["SCALE"].astype(np.float64)[:, None, :]
    if "TRANSLATION" in placed:
        out[:, :3, 3] = placed["TRANSLATION"]
    return out
