"""Lines laid deeper than the foundation beside them (GB 50289-2016, 4.1.11)."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.clearance.joints import F64

#: Rule of :func:`deep_limits`. Nobody has read the clause in the official text yet.
DEEP_RULE: Final = "CN.GB50289-2016.4.1.11"
DEEP_VERIFIED: Final = False


def deep_limits(
    depth: F64, foundation: float, friction: float, trench: float, half_width: F64
) -> F64:
    """Least net distance (n,) in metres between lines and the edge of a foundation, so that their
    trenches do not take away the soil that it stands on: L = (H - h) / tan α + B / 2 from the axis
    of the trench, less the line's ``half_width`` (n,).

    ``depth`` (n,) is H, how deep the lines are laid; ``foundation`` h, how deep the foundation's
    bottom lies, both in metres below the same ground; ``friction`` α, the soil's angle of internal
    friction in degrees; ``trench`` B, the width of the trench in metres. NaN for lines that are not
    deeper than the foundation, which the clause is not about, and where something is unknown. The
    greater of this and the distance of table 4.1.9 holds.
    """
    with np.errstate(invalid="ignore"):
        below = np.where(depth > foundation, depth - foundation, np.nan)
    return np.asarray(below / np.tan(np.radians(friction)) + trench / 2 - half_width)
