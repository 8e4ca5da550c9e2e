"""Rule packs: YAML that says what is checked, how much it weighs, and on whose authority."""

from __future__ import annotations

import hashlib
import inspect
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from ingest.rules.checks import CHECKS
from ingest.rules.rule import Evidence, Rule, RulePack, RulePackError
from models.findings import Severity

__all__ = [
    "Evidence",
    "Rule",
    "RulePack",
    "RulePackError",
    "load_pack",
    "load_packs",
    "parse_pack",
    "read_pack",
    "shipped",
]


@cache
def load_pack(name: str) -> RulePack:
    """A pack that the project ships, by name. Raises :class:`RulePackError`."""
    resource = files("ingest.rules") / "packs" / f"{name}.yaml"
    if not resource.is_file():
        raise RulePackError(f"There is no rule pack {name}.", f"没有名为 {name} 的规则包。")
    return parse_pack(resource.read_bytes())


@cache
def shipped() -> tuple[str, ...]:
    """The names of the packs that the project ships: every YAML file of ``packs/``."""
    folder = files("ingest.rules") / "packs"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_packs(
    names: Sequence[str] | None = None, own: Sequence[Path] = ()
) -> tuple[RulePack, ...]:
    """The packs to run, in their order: those named (all that are shipped where ``None``) and the
    user's ``own`` files.

    An own pack with the ``id`` of a shipped one stands in its place. A rule of an own pack with the
    id of a shipped rule replaces it where that stands. Raises :class:`RulePackError` for a pack
    that is wrong and for an id that two shipped or two own packs use, :class:`OSError` for an own
    file that cannot be read.
    """
    packs = {p.id: p for p in map(load_pack, shipped() if names is None else names)}
    mine = [read_pack(path) for path in own]
    theirs = _by_rule(mine)
    for pack in mine:
        packs.pop(pack.id, None)
    rest = list(packs.values())
    _by_rule(rest)
    replaced = {rule.id for pack in rest for rule in pack.rules} & set(theirs)
    rest = [replace(p, rules=tuple(theirs.get(r.id, r) for r in p.rules)) for p in rest]
    mine = [replace(p, rules=tuple(r for r in p.rules if r.id not in replaced)) for p in mine]
    return tuple(sorted([*rest, *mine], key=lambda pack: pack.order))


def _by_rule(packs: Sequence[RulePack]) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for pack in packs:
        for rule in pack.rules:
            if rule.id in rules:
                raise _wrong(rule.id, "two packs have this id", "两个规则包都有该编号")
            rules[rule.id] = rule
    return rules


def read_pack(path: Path) -> RulePack:
    """A pack of the user's own. Raises :class:`RulePackError` and :class:`OSError`."""
    return parse_pack(path.read_bytes())


def parse_pack(data: bytes) -> RulePack:
    """Check and build a pack from its YAML. Raises :class:`RulePackError` for anything wrong."""
    try:
        raw = yaml.safe_load(data)
        rules = tuple(_rule(entry) for entry in raw["rules"])
        pack = RulePack(
            str(raw["id"]),
            str(raw["version"]),
            hashlib.sha256(data).hexdigest(),
            rules,
            int(raw.get("order", 1000)),
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
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
    profile_limits = {str(p): str(n) for p, n in (raw.get("profile_limits") or {}).items()}
    known = list(inspect.signature(check).parameters.values())[1:]
    unknown = (set(params) | set(profile_limits)) - {p.name for p in known}
    lacking = {p.name for p in known if p.default is p.empty} - set(params)
    if unknown or lacking:
        names = ", ".join(sorted(unknown | lacking))
        raise _wrong(rule_id, f"parameters {names} do not fit the check", f"参数 {names} 不符")
    for template in (raw["zh"], raw["en"], raw.get("expected") or ""):
        for _, name, _, _ in string.Formatter().parse(template):
            if name is not None and not name.isidentifier():
                raise _wrong(rule_id, f"placeholder {{{name}}}", f"占位符 {{{name}}} 无效")
    refuses = bool(raw.get("refuses", False)) or severity is Severity.ERROR
    grouped = bool(raw.get("grouped", False))
    if refuses and grouped:
        raise _wrong(
            rule_id,
            "it refuses rows, so each must be named and it cannot be grouped",
            "拒收数据行的规则须逐行列出，不得合并（grouped）",
        )
    return Rule(
        rule_id,
        str(raw.get("code", rule_id)),
        str(raw["check"]),
        severity,
        refuses,
        dict(raw["title"]),
        params,
        evidence,
        str(raw["zh"]),
        str(raw["en"]),
        raw.get("expected"),
        bool(raw.get("final", False)),
        grouped,
        tuple(map(str, raw.get("profiles") or ())),
        bool(raw.get("mandatory", False)),
        bool(raw.get("waivable", True)),
        profile_limits,
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
