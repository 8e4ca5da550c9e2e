"""Runs a pack over a survey: checks give hits in bulk, findings are made of hits only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from ingest.mapping.text import counted
from ingest.rules.checks import CHECKS
from ingest.rules.hits import EMPTY, Hits, Statement
from ingest.rules.network import Survey
from ingest.rules.rule import Rule, RulePack
from ingest.rules.waivers import mark
from models.findings import Finding, Place, Severity

#: Of a rule that refuses nothing, so many findings a sheet and column are spelled out; the rest is
#: one finding with the rows. Refused rows are always named one by one.
DETAILED: Final = 100
#: Characters of row spans that a sentence holds; ``extra`` of the finding has them all.
_SPANS: Final = 200
#: Hits of a grouped rule that ``extra`` of its finding spells out.
_EXAMPLES: Final = 5


def run(packs: RulePack | Sequence[RulePack], survey: Survey) -> list[Finding]:
    """All findings of the packs, in their order and the order of their rules.

    Rules run one after the other; a rule that refuses clears ``survey.alive`` of the rows it
    names, which later rules then see. A refused row is still checked cell by cell, so that one
    pass reports everything that is wrong with it, unless a rule with ``final`` has named it: of
    such a row no cell can be trusted, and nothing more is said. A row whose finding is waived by
    ``survey.context.waivers`` is not refused. Rules that a profile demands run for that profile.
    """
    findings: list[Finding] = []
    silent = {name: np.zeros(len(survey.table(name)), bool) for name in ("point", "line")}
    listed = (packs,) if isinstance(packs, RulePack) else tuple(packs)
    for stated in (r for pack in listed for r in pack.rules):
        if stated.profiles and survey.profile not in stated.profiles:
            continue
        rule = stated.under(survey.limits)
        for every in CHECKS[rule.check](survey, **rule.params):
            if isinstance(every, Statement):
                findings.extend(mark([_stated(rule, every)], survey.context.waivers, listed))
                continue
            hits = every.where(~silent[every.table][every.rows])
            if len(hits.rows) == 0:
                continue
            found = list(_findings(rule, hits, survey))
            if survey.context.waivers:
                found = mark(found, survey.context.waivers, listed, kept=True)
            findings.extend(found)
            if rule.refuses:
                # One finding a row, in the order of the rows.
                kept = np.array(["waiver" in f.extra for f in found], bool)
                survey.alive[hits.table][np.sort(hits.rows)[~kept]] = False
            if rule.final:
                silent[hits.table][hits.rows] = True
    return findings


def _findings(rule: Rule, hits: Hits, survey: Survey) -> Iterator[Finding]:
    order = np.argsort(hits.rows, kind="stable")
    if not rule.grouped and (rule.refuses or len(order) <= DETAILED):
        yield from (_finding(rule, hits, survey, order[i : i + 1]) for i in range(len(order)))
        return
    sheets = survey.values(hits.table, "sheet")[hits.rows[order]]
    for sheet in np.unique(sheets):
        own = order[sheets == sheet]
        if rule.grouped:
            yield _finding(rule, hits, survey, own)
            continue
        yield from (
            _finding(rule, hits, survey, own[i : i + 1]) for i in range(len(own[:DETAILED]))
        )
        if len(own) > DETAILED:
            yield _summary(rule, hits, survey, own[DETAILED:])


def _finding(rule: Rule, hits: Hits, survey: Survey, own: Any) -> Finding:
    """One finding for the hits ``own`` of one sheet; its place and values are the first one's."""
    index, position = int(own[0]), int(hits.rows[own[0]])
    place = survey.place(hits.table, position, hits.column)
    names = survey.column_names(hits.table, position, hits.column or "")
    values: dict[str, Any] = {name: column[index] for name, column in hits.values.items()}
    found = values.get("found")
    extra = _position(survey, hits.table, position)
    if hits.at is not None:
        extra = _placed(hits.at[index])
    extra |= {name: _plain(column[index]) for name, column in hits.extra.items()}
    words = {**rule.params, **values, "row": place.row, "element": place.element or "?"}
    where = place
    if rule.grouped:
        spans = row_spans(survey.values(hits.table, "row")[hits.rows[own]])
        words |= {"count": len(own), "rows": _short(spans), "counted": counted(len(own), "row")}
        extra |= {"rows": spans, "count": len(own), "examples": _examples(hits, survey, own)}
        found = len(own) if found in (None, EMPTY) else found
        if len(own) > 1:
            place = replace(place, element=None)
            where = replace(place, row=None)
    return Finding(
        rule.code,
        rule.severity,
        place,
        _where(where, names, "zh") + rule.zh.format_map({**words, "column": names[0]}),
        _where(where, names, "en") + rule.en.format_map({**words, "column": names[1]}),
        None if found is None else str(found),
        rule.expected.format_map({**words, "column": names[0]}) if rule.expected else None,
        rule.id,
        values.get("clause", rule.evidence.citation),
        bool(values.get("verified", rule.evidence.verified)),
        extra=extra,
    )


def _examples(hits: Hits, survey: Survey, own: Any) -> list[dict[str, Any]]:
    """Row, element and found value (and the other line, where there is one) of the first few."""
    shown = {name: hits.values[name] for name in ("found", "other") if name in hits.values}
    out = []
    for index in own[:_EXAMPLES].tolist():
        place = survey.place(hits.table, int(hits.rows[index]), None)
        said = {name: _plain(column[index]) for name, column in shown.items()}
        out.append({"row": place.row, "element": place.element, **said})
    return out


def _stated(rule: Rule, said: Statement) -> Finding:
    """The finding of a statement."""
    place, found = said.place, said.values.get("found")
    words = {**rule.params, **said.values, "row": place.row, "element": place.element or "?"}
    column = place.column or ""
    names = (f"“{column}”", f"“{column}”")
    return Finding(
        rule.code,
        rule.severity,
        place,
        _where(place, names, "zh") + rule.zh.format_map(words),
        _where(place, names, "en") + rule.en.format_map(words),
        None if found is None else str(found),
        rule.expected.format_map(words) if rule.expected else None,
        rule.id,
        rule.evidence.citation,
        rule.evidence.verified,
        extra={} if said.at is None else _placed(said.at),
    )


def _summary(rule: Rule, hits: Hits, survey: Survey, rest: Any) -> Finding:
    position = int(hits.rows[rest[0]])
    first = survey.place(hits.table, position, hits.column)
    names = survey.column_names(hits.table, position, hits.column or "")
    spans = row_spans(survey.values(hits.table, "row")[hits.rows[rest]])
    place = Place(first.file, first.sheet, None, first.column)
    return Finding(
        rule.code,
        rule.severity,
        place,
        f"{_where(place, names, 'zh')}另有 {len(rest)} 行同类问题（{rule.title['zh']}）："
        f"第 {_short(spans)} 行。请一并核实。",
        f"{_where(place, names, 'en')}{counted(len(rest), 'more row')} with the same finding "
        f"({rule.title['en']}): {_short(spans)}. Check them too.",
        str(len(rest)),
        None,
        rule.id,
        rule.evidence.citation,
        rule.evidence.verified,
        extra={"rows": spans, "count": len(rest)},
    )


def _short(spans: str) -> str:
    return spans if len(spans) <= _SPANS else spans[:_SPANS].rsplit(",", 1)[0] + ",…"


def row_spans(rows: Any) -> str:
    """Row numbers as spans: ``3-7,12``."""
    ordered = np.unique(rows)
    breaks = np.flatnonzero(np.diff(ordered) > 1) + 1
    spans = ((int(part[0]), int(part[-1])) for part in np.split(ordered, breaks) if len(part))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _where(place: Place, names: tuple[str, str], language: str) -> str:
    """File, sheet, row and column before a sentence; ``names`` are the column's."""
    sheet = f"[{place.sheet}]" if place.sheet else ""
    if language == "zh":
        row = f" 第{place.row}行" if place.row else ""
        column = f"{names[0]}列" if place.column else ""
        return f"{place.file}{sheet}{row}{column}："
    row = f" row {place.row}" if place.row else ""
    column = f" column {names[1]}" if place.column else ""
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
        if place := _placed([survey.cell("point", c, end) for c in ("y_src", "x_src", "ground_h")]):
            return place
    return {}


def _plain(value: Any) -> Any:
    """A value as JSON takes it."""
    return value.item() if isinstance(value, np.generic) else value


def _placed(at: Any) -> dict[str, Any]:
    """A source position of two or three coordinates, if east and north are known."""
    if not np.isfinite(at[:2]).all():
        return {}
    return {"source_position": [float(v) for v in at if np.isfinite(v)]}


__all__ = ["DETAILED", "Severity", "row_spans", "run"]
