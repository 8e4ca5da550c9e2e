"""The words of pipe survey tables (``data/pipes.yaml``) with the differences of a profile, which is
a file of ``data/profiles``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import yaml

from ingest.mapping.text import fold, header_key
from models.labels import labels

_ROLES: Final = ("point", "line")
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
    ``labels`` gives a field's usual header and its English name;
    ``kinds`` a field to its parser; ``units[kind]`` a unit word to the factor into the field's
    unit (metres for lengths, millimetres for sizes, MPa, kV). ``unused`` are headers that have no
    meaning on purpose; ``limits`` the profile's numbers for rules: {name: {value, unit, verified}}.
    """

    profile: str
    columns: Mapping[str, Mapping[str, tuple[str, int]]]
    labels: Mapping[str, tuple[str, str]]
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
    unused: frozenset[str]
    limits: Mapping[str, Mapping[str, Any]]

    def fields(self, role: str) -> frozenset[str]:
        """The fields that a table of that role can have."""
        return frozenset(field for field, _ in self.columns[role].values())


@cache
def _raw() -> dict[str, Any]:
    return _yaml(files("ingest.mapping") / "data" / "pipes.yaml")


def _yaml(path: Traversable) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return data


@cache
def profiles() -> tuple[str, ...]:
    """The names that :func:`survey_words` knows, ``default`` first."""
    found = [Path(f.name).stem for f in _profile_folder().iterdir() if f.name.endswith(".yaml")]
    return tuple(sorted(found, key=lambda name: (name != "default", name)))


def _profile_folder() -> Traversable:
    return files("ingest.mapping") / "data" / "profiles"


@cache
def survey_words(profile: str = "default") -> SurveyWords:
    """The words of a profile. Raises :class:`KeyError` for a profile that is not defined."""
    if profile not in profiles():
        raise KeyError(profile)
    raw, own = _raw(), _yaml(_profile_folder() / f"{profile}.yaml")
    flow = {"forward": 1, "backward": -1, "none": 0}
    return SurveyWords(
        profile=profile,
        columns={role: _columns(_merged(raw[role], own.get(role, {}))) for role in _ROLES},
        labels=_labels(raw),
        required={
            role: tuple(dict.fromkeys([*names, *own.get("required", {}).get(role, [])]))
            for role, names in raw["required"].items()
        },
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
        unused=frozenset(map(header_key, raw["unused"])),
        limits=own.get("limits", {}),
    )


def canonical_field(name: str) -> str:
    """The reader's field for a name used in a mapping (``x_src`` is ``north_x``)."""
    return _SYNONYMS.get(name, name)


def _merged(common: Mapping[str, list[str]], own: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The profile's aliases of a field before the common ones."""
    return {field: [*own.get(field, []), *names] for field, names in common.items()}


def _columns(aliases: Mapping[str, list[str]]) -> dict[str, tuple[str, int]]:
    out: dict[str, tuple[str, int]] = {}
    for field, words in aliases.items():
        for priority, word in enumerate([*words, field]):
            out.setdefault(header_key(word), (field, priority))
    return out


def _labels(raw: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    english = dict(raw["english"])
    for table in ("pipe_segment", "pipe_point"):
        for field, names in labels(table).items():
            english.setdefault(field, names["en"].split(" (")[0].lower())
    usual = {f: str(names[0]) for role in ("line", "point") for f, names in raw[role].items()}
    return {field: (zh, english[field]) for field, zh in usual.items()}


def _inverse(groups: Mapping[str, list[str]]) -> dict[str, str]:
    return {fold(word): name for name, words in groups.items() for word in [*words, name]}
