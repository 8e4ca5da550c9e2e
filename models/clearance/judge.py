"""What a measured distance means for a limit, given how well both pipes were surveyed."""

from __future__ import annotations

import enum
from typing import Final

import numpy as np

from models.clearance.joints import F64, Mask, Words


class Verdict(enum.StrEnum):
    """The judgement of one distance."""

    CERTAIN = "certain"  # below the limit even at twice the accuracy
    POSSIBLE = "possible"  # below the limit, or not surely above it
    COMPLIANT = "compliant"
    REVIEW = "review"  # something that decides is not known
    NOT_REGULATED = "not_regulated"


#: What somebody has to look at.
FINDINGS: Final = frozenset({Verdict.CERTAIN, Verdict.POSSIBLE, Verdict.REVIEW})
#: A distance that is less than this (m) below a limit keeps it.
_ROUNDING: Final = 1e-9


def judge(distance: F64, limit: F64, sigma: F64, ambiguous: Mask) -> Words:
    """Verdicts (n,) of distances and limits in metres; ``sigma`` is that of the distance, 1 sigma.

    With s = ``sigma``: certain if d + 2 s < limit, possible if d - 2 s < limit, else compliant.
    Where the accuracy is unknown nothing is certain, and the distance is taken as it stands. A NaN
    limit is none. A NaN distance asks for review; so does an ``ambiguous`` limit (the greatest of
    those that may hold), unless the distance clears even that.
    """
    spread = 2 * np.nan_to_num(sigma)
    with np.errstate(invalid="ignore"):
        below = distance - spread < limit - _ROUNDING
        certain = (distance + spread < limit - _ROUNDING) & ~np.isnan(sigma)
    return np.select(
        [np.isnan(limit), np.isnan(distance) | (below & ambiguous), certain, below],
        [Verdict.NOT_REGULATED, Verdict.REVIEW, Verdict.CERTAIN, Verdict.POSSIBLE],
        Verdict.COMPLIANT,
    ).astype(object)
