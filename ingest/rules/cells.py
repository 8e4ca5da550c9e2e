"""Checks of single cells: what reading brought up, and required fields that are null."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from ingest.rules.hits import EMPTY, Hits, hits
from ingest.rules.network import TABLES, Mask, Survey, TableName
from models import pipes

#: Issues after which a null cell needs no second finding.
_REPORTED: Final = frozenset(
    {"formula", "formula_unsaved", "not_a_number", "grammar", "unknown_word"}
)


def cell_issue(
    survey: Survey,
    kind: str,
    fields: Sequence[str] | None = None,
    other_than: Sequence[str] = (),
) -> Iterator[Hits]:
    """Cells of one kind of issue, in ``fields`` (all where ``None``) but not in ``other_than``."""
    for issue in survey.issues:
        if issue.kind != kind or issue.field in other_than:
            continue
        if fields is None or issue.field in fields:
            yield Hits(issue.table, issue.rows, issue.field, {"found": issue.found})


def surplus_fields(survey: Survey) -> Iterator[Hits]:
    """Rows of delimited text with more fields than the header: what stands where is not known."""
    for table in TABLES:
        fields, header = survey.values(table, "fields"), survey.values(table, "header_fields")
        yield hits(table, fields > header, None, found=fields, header=header)


def absent_columns(survey: Survey, table: TableName, fields: Sequence[str]) -> Iterator[Hits]:
    """Rows of sheets that have no column for a field."""
    for name in fields:
        yield hits(table, ~_has_column(survey, table, name), name)


def required(
    survey: Survey,
    table: TableName,
    fields: Sequence[str],
    delivered: bool = False,
    instead: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> Iterator[Hits]:
    """Null cells of fields that must be filled; with ``delivered`` only where the sheet has the
    column. ``instead`` {field: {majors, embeds, fields}}: lines of these major classes, embedded
    so, need the field only where all of those ``fields`` are null, too. ``or_zh`` and ``or_en``
    among the values name them."""
    frame = survey.table(table)
    for name in fields:
        null = unreported(survey, table, name) & frame[name].isna().to_numpy(bool)
        if delivered:
            null &= _has_column(survey, table, name)
        other = (instead or {}).get(name, {"majors": (), "embeds": (), "fields": ()})
        allowed = np.zeros(len(frame), bool)
        if other["fields"]:
            among = frame["major"].isin(other["majors"]) & frame["embed"].isin(other["embeds"])
            allowed = among.to_numpy(bool)
            null &= ~(allowed & frame[list(other["fields"])].notna().any(axis=1).to_numpy(bool))
        labels = [survey.labels.get(field, (field, field)) for field in other["fields"]]
        or_zh = "或".join(["", *(zh for zh, _ in labels)])
        or_en = " or ".join(["", *(en for _, en in labels)])
        yield hits(
            table,
            null,
            name,
            found=np.full(len(frame), EMPTY),
            or_zh=np.where(allowed, or_zh, ""),
            or_en=np.where(allowed, or_en, ""),
        )


def unreported(survey: Survey, table: TableName, *names: str) -> Mask:
    """Rows with no issue in these fields that made the cell null and has a finding of its own."""
    out = np.ones(len(survey.table(table)), bool)
    for issue in survey.issues:
        if issue.table == table and issue.field in names and issue.kind in _REPORTED:
            out[issue.rows] = False
    return out


def _has_column(survey: Survey, table: TableName, name: str) -> Mask:
    sheets = np.array([name in s.headers.get(table, {}) for s in survey.sheets], bool)
    has: Mask = sheets[survey.values(table, "sheet").astype(np.intp)]
    return has


def end_height(survey: Survey) -> Iterator[Hits]:
    """Line ends with neither a depth nor a height."""
    for end in ("from", "to"):
        fields = [f"{end}_{name}" for name in ("depth", "h", "top_h", "bot_h")]
        null = unreported(survey, "line", *fields)
        for name in fields:
            null &= np.isnan(survey.numbers("line", name))
        yield hits("line", null, f"{end}_depth", found=np.full(len(null), EMPTY))


def material_allowed(survey: Survey) -> Iterator[Hits]:
    """Materials that the code list does not give for the line's class."""
    allowed = {zh: word.classes for zh, word in pipes.word_list("material").items()}
    material = survey.values("line", "material")
    major = survey.values("line", "major")
    wrong = np.fromiter(
        (
            m is not None and c is not None and c not in allowed[m]
            for m, c in zip(material, major, strict=True)
        ),
        bool,
        len(material),
    )
    yield hits("line", wrong, "material", found=material, cls=survey.values("line", "class_code"))


def small_size(survey: Survey, below_mm: float) -> Iterator[Hits]:
    """Round or box sizes so small that they were probably written in metres; cables excepted."""
    width = survey.numbers("line", "width_mm")
    pipe = ~np.isin(survey.values("line", "major").astype(str), ("DL", "TX"))
    yield hits("line", pipe & (width < below_mm), "size", found=width)


CHECKS: Final = (
    absent_columns,
    cell_issue,
    end_height,
    material_allowed,
    required,
    small_size,
    surplus_fields,
)
