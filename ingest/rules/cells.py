"""Checks of single cells: what reading brought up, and required fields that are null."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ingest.rules.hits import Hits, hits
from ingest.rules.network import Survey, TableName
from models import pipes

#: Issues after which a null cell needs no second finding.
_REPORTED: Final = frozenset({"formula", "not_a_number", "grammar", "unknown_word"})


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


def required(survey: Survey, table: TableName, fields: Sequence[str]) -> Iterator[Hits]:
    """Null cells of fields that must be filled."""
    frame = survey.table(table)
    for name in fields:
        null = np.asarray(frame[name].isna().to_numpy(), bool).copy()
        for issue in survey.issues:
            if issue.table == table and issue.field == name and issue.kind in _REPORTED:
                null[issue.rows] = False
        yield hits(table, null, name)


def end_height(survey: Survey) -> Iterator[Hits]:
    """Line ends with neither a depth nor a height."""
    for end in ("from", "to"):
        null = np.ones(len(survey.lines), bool)
        for name in ("depth", "h", "top_h", "bot_h"):
            null &= np.isnan(survey.numbers("line", f"{end}_{name}"))
        for issue in survey.issues:
            fields = {f"{end}_{n}" for n in ("depth", "h", "top_h", "bot_h")}
            if issue.table == "line" and issue.kind in _REPORTED and issue.field in fields:
                null[issue.rows] = False
        yield hits("line", null, f"{end}_depth")


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
