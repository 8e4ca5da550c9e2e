"""What a delivery says of itself beside its datums: how it was made, whose pipes it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pandas as pd

from ingest.readers.survey_offset import NONE, Offset, sentence
from ingest.readers.survey_sheets import Declared
from ingest.rules.network import Sheet, Survey
from models.features import DatumPassport

#: Kinds of declarations that tell how a survey was made, in the order of the passport's method.
_METHOD: Final = ("method", "survey_unit", "project")


def complete(
    passport: DatumPassport, survey: Survey, declared: Sequence[Declared], offset: Offset
) -> DatumPassport:
    """The passport with epoch and method (method, survey unit, project, constants that were added).

    An owner that is declared for the whole delivery is that of the lines that name none. Works on
    ``survey`` in place.
    """
    said: dict[str, Declared] = {}
    for item in declared:
        said.setdefault(item.declaration.kind, item)
    words = [said[kind].declaration.text for kind in _METHOD if kind in said]
    if offset != NONE:
        words.append(" / ".join(sentence(offset)))
    if owner := said.get("owner"):
        _own(survey, owner)
    epoch = said["epoch"].declaration.text if "epoch" in said else None
    return replace(passport, epoch=epoch, method="; ".join(words) or None)


def _own(survey: Survey, owner: Declared) -> None:
    column = survey.lines["owner"].astype(object)
    survey.lines["owner"] = column.where(pd.notna(column), owner.declaration.text)
    sheets = []
    for sheet in survey.sheets:
        headers = {table: dict(names) for table, names in sheet.headers.items()}
        if "line" in headers:
            headers["line"].setdefault("owner", f"{owner.grid.name} 权属单位")
        sheets.append(Sheet(sheet.file, sheet.sheet, headers))
    survey.sheets = sheets
