"""Which source column of a footprint file is which canonical column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from ingest.mapping.text import header_keys


@dataclass(frozen=True, slots=True)
class Columns:
    """``found``: canonical column to index of the source column. ``rivals``: canonical column to
    the names of further source columns that would fit it too, and that were not taken."""

    found: Mapping[str, int]
    rivals: Mapping[str, tuple[str, ...]]


def match(names: Sequence[str], declared: Mapping[str, str] | None = None) -> Columns:
    """Match source column ``names``; ``declared`` {source column: canonical} goes first."""
    aliases = _tables()["columns"]
    keys = [header_keys(name) for name in names]
    found: dict[str, int] = {}
    rivals: dict[str, tuple[str, ...]] = {}
    for source, canonical in (declared or {}).items():
        if source in names and canonical in aliases:
            found[canonical] = list(names).index(source)
    for canonical, words in aliases.items():
        ranks = {header_keys(str(word))[-1]: rank for rank, word in enumerate(words)}
        hits = sorted(
            (rank, index)
            for index, key in enumerate(keys)
            if index not in found.values()
            and (rank := min(ranks.get(form, len(words)) for form in key)) < len(words)
        )
        if hits and canonical not in found:
            found[canonical] = hits[0][1]
            rivals[canonical] = tuple(names[index] for _, index in hits[1:])
    return Columns(found, {canonical: others for canonical, others in rivals.items() if others})


def known(canonical: str) -> tuple[str, ...]:
    """The source names that :func:`match` knows for a canonical column, the usual first."""
    return tuple(str(word) for word in _tables()["columns"][canonical])


@cache
def length_units() -> dict[str, float]:
    """Metres of each unit of length that may stand beside a number, lower case."""
    return {str(unit): float(metres) for unit, metres in _tables()["length_units"].items()}


def storey_height(profile: str | None) -> float:
    """Metres a storey for ``profile``; profiles of other themes have the default."""
    heights = _tables()["storey_heights"]
    return float(heights.get(profile, heights["default"])["value"])


@cache
def _tables() -> dict[str, Any]:
    text = (files("ingest.mapping") / "data" / "buildings.yaml").read_text("utf-8")
    tables: dict[str, Any] = yaml.safe_load(text)
    return tables
