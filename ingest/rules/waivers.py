"""Waivers: findings that somebody has accepted, with reason, person, date, term and evidence.

A waived finding stays in every report, as information, with who accepted it and why; the row that
it would have refused is kept where the rules run with ``CheckContext.waivers``.
:func:`load` reads a file of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ingest.rules.pack import load_packs
from ingest.rules.rule import Rule, RulePack
from ingest.rules.waiver_files import Waiver, WaiverError, WaiverFile, about, load
from models.findings import Finding, Severity

__all__ = ["Waiver", "WaiverError", "WaiverFile", "apply", "load", "mark", "unused"]


def apply(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    packs: Sequence[RulePack] | None = None,
) -> list[Finding]:
    """The findings, those that a waiver covers marked; for one list that is all of a check, with
    what is wrong with the waivers behind (see :func:`unused`)."""
    marked = mark(findings, waivers, packs)
    return [*marked, *unused(marked, waivers, packs)]


def mark(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    packs: Sequence[RulePack] | None = None,
    *,
    kept: bool = False,
) -> list[Finding]:
    """The findings with those that may be waived and are turned into information.

    ``kept`` tells that the rows of waived errors stay in the delivery, as they do when the rules
    run with the waivers; afterwards what was left out stays out. ``extra["waiver"]`` says who, why,
    until when and how heavy the finding was. Errors that no rule of ``packs`` made and rules that
    are mandatory or not waivable stay as they are.
    """
    rules = _rules(packs)
    index: _Index = {}
    for waiver in waivers:
        index.setdefault((waiver.rule, waiver.element, waiver.row), []).append(waiver)
    return [_marked(f, index, rules.get(f.rule or ""), kept) for f in findings]


def unused(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    packs: Sequence[RulePack] | None = None,
) -> list[Finding]:
    """Findings about waivers, after :func:`mark` and over everything that was checked: of a rule
    that is not known or a finding that is not there (WVR-03), or may not be waived (WVR-04)."""
    rules = _rules(packs)
    known = {name for rule in rules.values() for name in (rule.id, rule.code)}
    listed = list(findings)
    out = []
    for waiver in waivers:
        covered = [f for f in listed if waiver.covers(f)]
        if any("waiver" in f.extra for f in covered):
            continue
        out.append(_forbidden(waiver) if covered else _unknown(waiver, waiver.rule in known))
    return out


def _rules(packs: Sequence[RulePack] | None) -> dict[str, Rule]:
    return {r.id: r for p in (load_packs() if packs is None else packs) for r in p.rules}


#: Waivers by rule, element and row, so that a check with very many findings stays quick.
_Index = dict[tuple[str, str | None, int | None], list[Waiver]]


def _marked(finding: Finding, index: _Index, rule: Rule | None, kept: bool) -> Finding:
    if "waiver" in finding.extra or not index:
        return finding
    if rule is None or rule.mandatory or not rule.waivable:
        return finding
    place = finding.place
    ways = ((place.element, None), (None, place.row), (place.element, place.row))
    keys = ((name, *way) for name in (rule.id, finding.code) for way in ways)
    waiver = next((w for key in keys for w in index.get(key, ()) if w.covers(finding)), None)
    if waiver is None:
        return finding
    w = waiver.as_dict()
    stays = ("，照常入库", ", the row is kept") if kept and rule.refuses else ("", "")
    return replace(
        finding,
        severity=Severity.INFO,
        zh=f"{finding.zh}【已豁免{stays[0]}：{waiver.reason}；{waiver.person}，"
        f"{w['date']}，有效期至 {w['until']}，依据：{waiver.evidence}】",
        en=f"{finding.en} [Waived{stays[1]}: {waiver.reason}; {waiver.person}, "
        f"{w['date']}, until {w['until']}, evidence: {waiver.evidence}]",
        extra={**finding.extra, "waiver": {**w, "severity": finding.severity.value}},
    )


def _unknown(waiver: Waiver, rule_known: bool) -> Finding:
    what = waiver.element or f"{waiver.sheet or ''} {waiver.row}".strip()
    if rule_known:
        zh = f"没有规则 {waiver.rule} 关于 {what} 的问题，豁免无对象。请核对或删除该豁免。"
        en = (
            f"there is no finding of {waiver.rule} about {what}, so the waiver waives nothing. "
            "Correct or delete it."
        )
    else:
        zh = f"没有编号为 {waiver.rule} 的规则或问题，豁免无效。请改正编号。"
        en = f"there is no rule or finding {waiver.rule}, so the waiver waives nothing. Correct it."
    return about("WVR-03", waiver.source, zh, en, f"{waiver.rule} {what}", "现有问题 a finding")


def _forbidden(waiver: Waiver) -> Finding:
    return about(
        "WVR-04",
        waiver.source,
        f"规则 {waiver.rule} 为强制性条文或入库所必需，不得豁免。请改正数据。",
        f"{waiver.rule} rests on a mandatory clause, or a row cannot be stored without it, and "
        "cannot be waived. Correct the data.",
        waiver.rule,
        "可豁免的规则 a rule that may be waived",
    )
