"""The words of pipe survey tables (``data/pipes.yaml``) with the differences of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from ingest.mapping.text import fold, header_key

#: Names of the canonical table that a mapping may use for the reader's own fields.
_SYNONYMS: Final = {
    "x_src": "north_x",
    "y_src": "east_y",
    "from_point": "from_no",
    "to_point": "to_no",
}


@dataclass(frozen=True, slots=True)
class SurveyWords:
    """Word tables, keys folded.

    ``columns[role]`` maps a folded header to (field, priority), the lower priority winning;
    ``labels`` gives a field's usual header;
    ``kinds`` a field to its parser; ``units[kind]`` a unit word to the factor into the field's
    unit (metres for lengths, millimetres for sizes, MPa, kV).
    """

    profile: str
    columns: Mapping[str, Mapping[str, tuple[str, int]]]
    labels: Mapping[str, str]
    required: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, str]
    units: Mapping[str, Mapping[str, float]]
    placeholder_words: frozenset[str]
    placeholder_numbers: frozenset[float]
    placeholder_dates: frozenset[str]
    zero_is_null: frozenset[str]
    flow: Mapping[str, int]
    method: Mapping[str, str]
    section: Mapping[str, str]
    role_words: Mapping[str, tuple[str, ...]]
    metadata_names: tuple[str, ...]

    def fields(self, role: str) -> frozenset[str]:
        """The fields that a table of that role can have."""
        return frozenset(field for field, _ in self.columns[role].values())


def _raw() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(
        (files("ingest.mapping") / "data" / "pipes.yaml").read_text("utf-8")
    )
    return data


def profiles() -> tuple[str, ...]:
    """The names that :func:`survey_words` knows."""
    return tuple(_raw()["profiles"])


@cache
def survey_words(profile: str = "default") -> SurveyWords:
    """The words of a profile. Raises :class:`KeyError` for a profile that is not defined."""
    raw = _raw()
    own = raw["profiles"][profile]
    flow = {"forward": 1, "backward": -1, "none": 0}
    return SurveyWords(
        profile=profile,
        columns={role: _columns({**raw[role], **own.get(role, {})}) for role in ("point", "line")},
        labels={f: names[0] for role in ("line", "point") for f, names in raw[role].items()},
        required={role: tuple(names) for role, names in raw["required"].items()},
        kinds={field: kind for kind, names in raw["kinds"].items() for field in names},
        units=raw["units"],
        placeholder_words=frozenset(fold(w).upper() for w in raw["placeholders"]["words"]),
        placeholder_numbers=frozenset(map(float, raw["placeholders"]["numbers"])),
        placeholder_dates=frozenset(raw["placeholders"]["dates"]),
        zero_is_null=frozenset(raw["placeholders"]["zero_in"]),
        flow={
            fold(word): flow[way]
            for source in (raw["flow"], own.get("flow", {}))
            for way, words in source.items()
            for word in words
        },
        method=_inverse(raw["method"]),
        section=_inverse(raw["section"]),
        role_words={role: tuple(words) for role, words in raw["role_words"].items()},
        metadata_names=tuple(raw["metadata_names"]),
    )


def canonical_field(name: str) -> str:
    """The reader's field for a name used in a mapping (``x_src`` is ``north_x``)."""
    return _SYNONYMS.get(name, name)


def _columns(aliases: Mapping[str, list[str]]) -> dict[str, tuple[str, int]]:
    out: dict[str, tuple[str, int]] = {}
    for field, words in aliases.items():
        for priority, word in enumerate([*words, field]):
            out.setdefault(header_key(word), (field, priority))
    return out


def _inverse(groups: Mapping[str, list[str]]) -> dict[str, str]:
    return {fold(word): name for name, words in groups.items() for word in [*words, name]}
