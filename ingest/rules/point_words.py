"""Checks of what a point is called: its feature, appurtenance and map number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from ingest.rules.hits import EMPTY, Hits, hits
from ingest.rules.network import Survey


def neither_kind(survey: Survey) -> Iterator[Hits]:
    """Points with neither a feature nor an appurtenance: nobody knows what they are."""
    points = survey.points
    null = points["feature"].isna().to_numpy(bool) & points["appurtenance"].isna().to_numpy(bool)
    for issue in survey.issues:
        if issue.table == "point" and issue.field in ("feature", "appurtenance"):
            null[issue.rows] = False
    yield hits("point", null, "feature", found=np.full(len(null), EMPTY, object))


def both_kinds(survey: Survey) -> Iterator[Hits]:
    """Points with a feature and an appurtenance, which some profiles hold to exclude each other."""
    feature, kind = survey.values("point", "feature"), survey.values("point", "appurtenance")
    both = pd.notna(feature) & pd.notna(kind)
    found = np.array([f"{f} + {k}" for f, k in zip(feature, kind, strict=True)], object)
    yield hits("point", both, "appurtenance", found=found, feature=feature, kind=kind)


def map_number(survey: Survey) -> Iterator[Hits]:
    """Map numbers that are not the survey number, for profiles that demand it."""
    map_no, number = survey.values("point", "map_no"), survey.values("point", "exp_no")
    known = pd.notna(map_no) & pd.notna(number)
    differs = known & (map_no != number)
    yield hits("point", differs, "map_no", found=map_no, number=number)


CHECKS: Final = (both_kinds, map_number, neither_kind)
