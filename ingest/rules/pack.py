"""Rule packs: YAML that says what is checked, how much it weighs, and on whose authority."""

from __future__ import annotations

import hashlib
import inspect
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from ingest.rules.checks import CHECKS
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
    for every error. ``zh``/``en`` are message templates, filled with the place, the parameters
    and the values that the check gives."""

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


@dataclass(frozen=True, slots=True)
class RulePack:
    """A named, versioned list of rules in the order they run; ``sha256`` is of the file."""

    id: str
    version: str
    sha256: str
    rules: tuple[Rule, ...]


@cache
def load_pack(name: str) -> RulePack:
    """A pack that the project ships, by name. Raises :class:`RulePackError`."""
    resource = files("ingest.rules") / "packs" / f"{name}.yaml"
    if not resource.is_file():
        raise RulePackError(f"There is no rule pack {name}.", f"没有名为 {name} 的规则包。")
    return parse_pack(resource.read_bytes())


def read_pack(path: Path) -> RulePack:
    """A pack of the user's own. Raises :class:`RulePackError` and :class:`OSError`."""
    return parse_pack(path.read_bytes())


def parse_pack(data: bytes) -> RulePack:
    """Check and build a pack from its YAML. Raises :class:`RulePackError` for anything wrong."""
    try:
        raw = yaml.safe_load(data)
        rules = tuple(_rule(entry) for entry in raw["rules"])
        pack = RulePack(
            str(raw["id"]), str(raw["version"]), hashlib.sha256(data).hexdigest(), rules
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise RulePackError(
            f"The rule pack cannot be read: {error!r}.", f"规则包无法读取：{error!r}。"
        ) from error
    ids = [rule.id for rule in rules]
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            raise _wrong(rule_id, "the id is used twice", "编号重复")
    return pack


def _rule(raw: Mapping[str, Any]) -> Rule:
    rule_id = str(raw["id"])
    check = CHECKS.get(str(raw["check"]))
    if check is None:
        raise _wrong(rule_id, f"there is no check {raw['check']}", f"没有检查方法 {raw['check']}")
    if raw["severity"] not in set(Severity):
        raise _wrong(rule_id, f"severity {raw['severity']}", f"级别 {raw['severity']} 无效")
    severity = Severity(raw["severity"])
    evidence = _evidence(rule_id, raw.get("evidence"))
    if severity is Severity.ERROR and not evidence.verified:
        raise _wrong(
            rule_id,
            "its evidence is not verified, so its severity cannot be error; make it a warning",
            "依据未核验，级别不得为 error，请改为 warning",
        )
    params = dict(raw.get("params") or {})
    known = list(inspect.signature(check).parameters.values())[1:]
    unknown = set(params) - {p.name for p in known}
    lacking = {p.name for p in known if p.default is p.empty} - set(params)
    if unknown or lacking:
        names = ", ".join(sorted(unknown | lacking))
        raise _wrong(rule_id, f"parameters {names} do not fit the check", f"参数 {names} 不符")
    for template in (raw["zh"], raw["en"], raw.get("expected") or ""):
        for _, name, _, _ in string.Formatter().parse(template):
            if name is not None and not name.isidentifier():
                raise _wrong(rule_id, f"placeholder {{{name}}}", f"占位符 {{{name}}} 无效")
    return Rule(
        rule_id,
        str(raw.get("code", rule_id)),
        str(raw["check"]),
        severity,
        bool(raw.get("refuses", False)) or severity is Severity.ERROR,
        dict(raw["title"]),
        params,
        evidence,
        str(raw["zh"]),
        str(raw["en"]),
        raw.get("expected"),
    )


def _evidence(rule_id: str, raw: Any) -> Evidence:
    if not isinstance(raw, dict) or not isinstance(raw.get("verified"), bool):
        raise _wrong(
            rule_id,
            "evidence with standard and verified (true or false) is required",
            "必须写明 evidence 的 standard 与 verified（true 或 false）",
        )
    clause = raw.get("clause")
    return Evidence(
        str(raw["standard"]),
        None if clause is None else str(clause),
        raw["verified"],
        raw.get("note"),
    )


def _wrong(rule_id: str, en: str, zh: str) -> RulePackError:
    return RulePackError(f"Rule {rule_id}: {en}.", f"规则 {rule_id}：{zh}。")
