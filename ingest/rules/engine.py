"""Runs a pack over a survey: checks give hits in bulk, findings are made of hits only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from ingest.rules.checks import CHECKS, Hits
from ingest.rules.network import Survey
from ingest.rules.pack import Rule, RulePack
from models.findings import Finding, Place, Severity

#: Of a rule that refuses nothing, so many findings a sheet and column are spelled out; the rest is
#: one finding with the rows. Refused rows are always named one by one.
DETAILED: Final = 100


def run(pack: RulePack, survey: Survey) -> list[Finding]:
    """All findings, in the order of the rules.

    Rules run one after the other; a rule that refuses clears ``survey.alive`` of the rows it
    names, which later rules then see. A refused row is still checked cell by cell, so that one
    pass reports everything that is wrong with it.
    """
    findings: list[Finding] = []
    for rule in pack.rules:
        for hits in CHECKS[rule.check](survey, **rule.params):
            if len(hits.rows) == 0:
                continue
            findings.extend(_findings(rule, hits, survey))
            if rule.refuses:
                survey.alive[hits.table][hits.rows] = False
    return findings


def _findings(rule: Rule, hits: Hits, survey: Survey) -> Iterable[Finding]:
    order = np.argsort(hits.rows, kind="stable")
    if rule.refuses or len(order) <= DETAILED:
        yield from (_finding(rule, hits, survey, int(i)) for i in order)
        return
    sheets = survey.values(hits.table, "sheet")[hits.rows[order]]
    for sheet in np.unique(sheets):
        own = order[sheets == sheet]
        yield from (_finding(rule, hits, survey, int(i)) for i in own[:DETAILED])
        if len(own) > DETAILED:
            yield _summary(rule, hits, survey, own[DETAILED:])


def _finding(rule: Rule, hits: Hits, survey: Survey, index: int) -> Finding:
    position = int(hits.rows[index])
    place = survey.place(hits.table, position, hits.column)
    values: dict[str, Any] = {name: column[index] for name, column in hits.values.items()}
    found = values.get("found")
    words = {
        **rule.params,
        **values,
        "row": place.row,
        "element": place.element or "?",
        "column": place.column or hits.column or "",
    }
    return Finding(
        rule.code,
        rule.severity,
        place,
        _where(place, "zh") + rule.zh.format_map(words),
        _where(place, "en") + rule.en.format_map(words),
        None if found is None else str(found),
        rule.expected.format_map(words) if rule.expected else None,
        rule.id,
        rule.evidence.citation,
        rule.evidence.verified,
        extra=_position(survey, hits.table, position),
    )


def _summary(rule: Rule, hits: Hits, survey: Survey, rest: Any) -> Finding:
    first = survey.place(hits.table, int(hits.rows[rest[0]]), hits.column)
    rows = survey.values(hits.table, "row")[hits.rows[rest]]
    place = Place(first.file, first.sheet, None, first.column)
    spans = row_spans(rows)
    short = spans if len(spans) <= 200 else spans[:200].rsplit(",", 1)[0] + ",…"
    return Finding(
        rule.code,
        rule.severity,
        place,
        f"{_where(place, 'zh')}另有 {len(rest)} 行同类问题（{rule.title['zh']}）：第 {short} 行。",
        f"{_where(place, 'en')}{len(rest)} more rows with the same finding ({rule.title['en']}): "
        f"rows {short}.",
        str(len(rest)),
        None,
        rule.id,
        rule.evidence.citation,
        rule.evidence.verified,
        extra={"rows": spans, "count": len(rest)},
    )


def row_spans(rows: Any) -> str:
    """Row numbers as spans: ``3-7,12``."""
    ordered = np.unique(rows)
    breaks = np.flatnonzero(np.diff(ordered) > 1) + 1
    spans = ((int(part[0]), int(part[-1])) for part in np.split(ordered, breaks) if len(part))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _where(place: Place, language: str) -> str:
    sheet = f"[{place.sheet}]" if place.sheet else ""
    if language == "zh":
        row = f" 第{place.row}行" if place.row else ""
        column = f"“{place.column}”列" if place.column else ""
        return f"{place.file}{sheet}{row}{column}："
    row = f" row {place.row}" if place.row else ""
    column = f" column “{place.column}”" if place.column else ""
    return f"{place.file}{sheet}{row}{column}: "


def _position(survey: Survey, table: str, position: int) -> dict[str, Any]:
    """Source coordinates (east, north, height) of the point, or of the line's first known end."""
    if table == "point":
        ends = [position]
    else:
        ends = [int(survey.cell(table, c, position)) for c in ("a", "b")]
    for end in ends:
        if end < 0:
            continue
        columns = [survey.cell("point", c, end) for c in ("y_src", "x_src", "ground_h")]
        if np.isfinite(columns[:2]).all():
            return {"source_position": [float(v) for v in columns if np.isfinite(v)]}
    return {}


__all__ = ["DETAILED", "Severity", "row_spans", "run"]
