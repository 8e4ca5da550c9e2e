"""A rule and a pack of rules, as the packs' YAML states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from models.errors import TwinError
from models.findings import Severity


class RulePackError(TwinError):
    """A rule pack is wrong; the sentence names the rule and what to change."""

    code = "RULE-01"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a rule and its numbers come from. ``verified`` tells whether a published source was
    read; numbers that nobody has read in one may warn and never refuse."""

    standard: str
    clause: str | None
    verified: bool
    note: str | None = None

    @property
    def citation(self) -> str:
        """Standard and clause in one line."""
        return f"{self.standard} {self.clause}" if self.clause else self.standard


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``id`` is unique in its pack, ``code`` the stable code of its findings (several
    rules may share one). ``refuses`` tells whether a row that it names is left out; it is true
    for every error. Of a row that a ``final`` rule names nothing more is said. A ``grouped`` rule,
    which refuses nothing, gives one finding a sheet and column, however many rows it is about.
    ``zh``/``en`` are message templates, filled with the place, the parameters and the values that
    the check gives (of the first row in a group, with ``count``, ``counted`` and ``rows``).
    ``profiles`` are the delivery profiles that demand the rule (all where empty); a ``mandatory``
    rule rests on a mandatory clause and one that is not ``waivable`` on what a row cannot be stored
    without: neither can be waived. ``profile_limits`` name the limit of a profile that stands in
    for a parameter, where the profile has one."""

    id: str
    code: str
    check: str
    severity: Severity
    refuses: bool
    title: Mapping[str, str]
    params: Mapping[str, Any]
    evidence: Evidence
    zh: str
    en: str
    expected: str | None
    final: bool = False
    grouped: bool = False
    profiles: tuple[str, ...] = ()
    mandatory: bool = False
    waivable: bool = True
    profile_limits: Mapping[str, str] = field(default_factory=dict)

    def under(self, limits: Mapping[str, Mapping[str, Any]]) -> Rule:
        """The rule with the numbers of a profile: ``limits`` {name: {value, verified}}. One that is
        not verified makes the rule so, and never stands in an error."""
        said = {p: limits[name] for p, name in self.profile_limits.items() if name in limits}
        if self.severity is Severity.ERROR:
            said = {p: limit for p, limit in said.items() if limit["verified"]}
        if not said:
            return self
        verified = self.evidence.verified and all(limit["verified"] for limit in said.values())
        return replace(
            self,
            params={**self.params, **{p: limit["value"] for p, limit in said.items()}},
            evidence=replace(self.evidence, verified=verified),
        )


@dataclass(frozen=True, slots=True)
class RulePack:
    """A named, versioned list of rules in the order they run; ``sha256`` is of the file. Packs run
    by their ``order``, the lower first."""

    id: str
    version: str
    sha256: str
    rules: tuple[Rule, ...]
    order: int = 1000
