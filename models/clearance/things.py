"""Limits between lines and what is none: the surface above them, buildings and trees beside."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from models.clearance.facts import facts_of, facts_of_words
from models.clearance.joints import Words
from models.clearance.limits import Limits, load_limits
from models.clearance.lookup import Found, Lookup

#: What lies above a line, by the words of road and river plans.
SURFACES: Final = MappingProxyType(
    {
        "机动车道": "carriageway",
        "非机动车道": "footway",
        "人行道": "footway",
        "庭院": "courtyard",
        "水田": "paddy",
        "I-V级航道": "waterway_I_V",
        "VI-VII级航道": "waterway_VI_VII",
        "河道": "river",
    }
)


def cover_limits(segments: pd.DataFrame, surfaces: Words, limits: Limits | None = None) -> Found:
    """Least cover of each segment (s,) under the surface (s,) at its place.

    ``surfaces`` are words of :data:`SURFACES` (either language), ``None`` where unknown. The limit
    counts from the surface, or the planned river bed, to the outer top of the line. Judge a cover
    with :func:`models.clearance.judge.judge`. What is ``missing`` is named by its column, and
    ``surface``.
    """
    words = np.array([SURFACES.get(word, word) for word in surfaces], object)
    return _found(limits or load_limits("cover"), segments, words, "surface")


def clearance_limits(segments: pd.DataFrame, things: Words, limits: Limits | None = None) -> Found:
    """Least horizontal clearance of each segment (s,) from the thing (s,) beside it: ``building``,
    ``tree``, ``shrub``, ``pole``, ``tower_to_35kv``, ``tower_above_35kv``, ``tower_above_330kv``,
    ``kerb``, ``tramway`` or ``railway``, ``None`` where unknown."""
    return _found(limits or load_limits("horizontal"), segments, things, "thing")


def _found(limits: Limits, segments: pd.DataFrame, words: Words, name: str) -> Found:
    rows = np.arange(len(segments))
    found = Lookup.of(limits, facts_of(segments), facts_of_words(words)).find(rows, rows)
    missing = [text.replace("b.class_code", name).replace("a.", "") for text in found.missing]
    return replace(found, missing=np.array([*missing, None], object)[:-1])
