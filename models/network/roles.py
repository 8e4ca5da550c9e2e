"""What points do in a network, by their words: valves, sources, outfalls, pumps, customers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

#: The key for words that hold in every class.
ANY: Final = "any"
_DATA: Final = files("models.data") / "network"

Words = Mapping[str, frozenset[str]]


class Role(enum.StrEnum):
    """The roles of ``models/data/network/roles.yaml``, which says what each means."""

    VALVE = "valve"
    SOURCE = "source"
    BOUNDARY = "boundary"
    OUTFALL = "outfall"
    PUMP = "pump"
    DISCHARGER = "discharger"
    CUSTOMER = "customer"


@cache
def words_of(role: Role) -> Words:
    """The default words of ``role``: canonical 特征 and 附属物 words by major class or ``any``."""
    data: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (_DATA / "roles.yaml").read_text("utf-8")
    )
    return MappingProxyType({major: frozenset(words) for major, words in data[role].items()})


@cache
def hydraulics() -> MappingProxyType[str, Any]:
    """``manning`` (n by material), ``velocity`` (m/s: ``default``, ``greatest``), ``verified``."""
    return MappingProxyType(yaml.safe_load((_DATA / "hydraulics.yaml").read_text("utf-8")))
