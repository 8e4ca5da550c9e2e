"""Extents that accessors of positions state, compared with those of their vertices."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np

from tiles.check.gltf_buffers import COMPONENTS
from tiles.content import F64

JsonObject: TypeAlias = dict[str, Any]

#: Parts of the extent, and of the largest coordinate, that compression and rounding may move an
#: end.
_LOSS, _ROUNDING = 2e-3, 1e-6
_NONE: Final = "none"


def extent_fault(accessor: JsonObject, points: F64) -> tuple[str, str] | None:
    """(found, expected) where ``min`` and ``max`` of an accessor are not those of its ``points``
    (n, 3), which every POSITION must have (glTF 2.0 section 3.7.2.1)."""
    if not len(points):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    stated = [np.asarray(accessor.get(key, ()), np.float64) for key in ("min", "max")]
    if any(end.shape != (3,) for end in stated):
        return _NONE, _told(low, high)
    kind = np.dtype(COMPONENTS[accessor["componentType"]])
    if accessor.get("normalized") and kind.kind in "iu":
        most = np.iinfo(kind).max
        stated = [np.maximum(end / most, -1.0) for end in stated]
    allowed = _LOSS * float((high - low).max()) + _ROUNDING * float(np.abs([low, high]).max())
    off = max(float(np.abs(stated[0] - low).max()), float(np.abs(stated[1] - high).max()))
    return (_told(*stated), _told(low, high)) if off > allowed else None


def _told(low: F64, high: F64) -> str:
    return " ".join(f"{axis} {a:.6g}..{b:.6g}" for axis, a, b in zip("xyz", low, high, strict=True))
