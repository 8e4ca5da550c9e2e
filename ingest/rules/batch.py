"""Checks of columns that a delivery keeps for its own use: fields of the whole batch, poles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.mapping.text import header_key
from ingest.rules.hits import EMPTY, Hits, hits
from ingest.rules.network import TABLES, Survey, TableName
from models import pipes


def batch_constant(survey: Survey, headers: Sequence[str]) -> Iterator[Hits]:
    """Columns that one submission fills with one value (project number, surveyor, survey date) and
    that hold another in some rows; ``headers`` are the columns' names, for they have no field."""
    for table in TABLES:
        for label in headers:
            if (values := own_column(survey, table, label)) is not None:
                everything = np.zeros(len(values), np.intp)
                yield from _differing(survey, table, label, values, everything)


def class_constant(survey: Survey, fields: Sequence[str], share: float) -> Iterator[Hits]:
    """Line fields (owner, date built) that hold another value than at least ``share`` of the lines
    of their class: the works of one owner have one of each, a survey of a whole quarter not."""
    classes = pd.factorize(survey.values("line", "class_code"))[0]
    for name in fields:
        yield from _differing(survey, "line", name, survey.values("line", name), classes, share)


def own_column(survey: Survey, table: TableName, header: str) -> npt.NDArray[Any] | None:
    """A column without a field of its own, by its (folded) header, out of the rows' ``attrs``;
    ``None`` where no sheet has it."""
    key = header_key(header)
    own = {
        label
        for sheet in survey.sheets
        for label in sheet.headers.get(table, {})
        if header_key(label) == key
    }
    if not own or "attrs" not in survey.table(table):
        return None
    out = np.full(len(survey.table(table)), None, object)
    out[:] = [
        next((a[label] for label in own if label in a), None) for a in survey.values(table, "attrs")
    ]
    return out


def _differing(
    survey: Survey,
    table: TableName,
    name: str,
    values: npt.NDArray[Any],
    groups: npt.NDArray[np.intp],
    share: float = 0.0,
) -> Iterator[Hits]:
    """Rows that hold another value than most rows (and than ``share``) of their group."""
    rows = pd.DataFrame({"group": groups, "value": values}, dtype=object).dropna()
    if rows.empty:
        return
    counts = rows.groupby(["group", "value"], sort=False).size().reset_index(name="n")
    by_group = counts.groupby("group", sort=False)["n"]
    most = counts.loc[by_group.idxmax()]
    most = most[most["n"] >= share * by_group.transform("sum")[most.index]]
    usual = pd.Series(groups).map(most.set_index("group")["value"]).to_numpy(object)
    differs = pd.notna(values) & pd.notna(usual) & (values != usual)
    yield hits(table, differs, _column(survey, table, name), found=values, usual=usual)


def _column(survey: Survey, table: TableName, name: str) -> str:
    """The header as the delivery spells it: the label of a column without a field."""
    key = header_key(name)
    labels = (label for s in survey.sheets for label in s.headers.get(table, {}))
    return next((label for label in labels if header_key(label) == key), name)


def missing_material(
    survey: Survey, unless_status: Sequence[str], unless_words: Sequence[str]
) -> Iterator[Hits]:
    """Lines without a material that are neither empty pipes nor laid for later, as their status or
    a column without a field of its own says."""
    material = survey.table("line")["material"]
    status = survey.table("line")["status"].isin(list(unless_status)).to_numpy(bool)
    sheets = np.array(["material" in s.headers.get("line", {}) for s in survey.sheets], bool)
    has = sheets[survey.values("line", "sheet").astype(np.intp)]
    null = material.isna().to_numpy(bool) & has & ~status & ~_reported(survey, "material")
    for row in np.flatnonzero(null):
        said = " ".join(map(str, survey.cell("line", "attrs", row).values()))
        null[row] = not any(word in said for word in unless_words)
    yield hits("line", null, "material", found=np.full(len(null), EMPTY, object))


def _reported(survey: Survey, field: str) -> npt.NDArray[np.bool_]:
    out = np.zeros(len(survey.lines), bool)
    for issue in survey.issues:
        if issue.table == "line" and issue.field == field and issue.kind != "placeholder":
            out[issue.rows] = True
    return out


def cables_and_fibres(survey: Survey) -> Iterator[Hits]:
    """Lines that count both electric cables and optical fibre cables."""
    cables, fibres = survey.numbers("line", "cables"), survey.numbers("line", "fibres")
    yield hits("line", (cables > 0) & (fibres > 0), "fibres", found=fibres, cables=cables)


def poles_without_height(survey: Survey, headers: Sequence[str]) -> Iterator[Hits]:
    """Poles without a height, which stands in one of the columns ``headers``."""
    known = pipes.point_words()
    kinds = survey.values("point", "appurtenance")
    pole = np.fromiter((k in known and known[k].role == "pole" for k in kinds), bool, len(kinds))
    columns = [own_column(survey, "point", label) for label in headers]
    for values in columns:
        if values is not None:
            pole &= pd.isna(values)
    column = next((h for h, v in zip(headers, columns, strict=True) if v is not None), headers[0])
    pole &= survey.alive["point"]
    yield hits(
        "point",
        pole,
        _column(survey, "point", column),
        found=survey.delivered("point", "appurtenance"),
    )


def valves_without_depth(survey: Survey) -> Iterator[Hits]:
    """Buried valves and fittings of which no line that meets them tells the depth."""
    known = pipes.point_words()
    kinds = survey.values("point", "appurtenance")
    valve = np.fromiter((k in known and known[k].role == "valve" for k in kinds), bool, len(kinds))
    told = np.zeros(len(kinds) + 1, bool)
    met = np.zeros(len(kinds) + 1, bool)
    for ends, end in zip(survey.ends(), ("from", "to"), strict=True):
        met[ends] = True
        told[ends[np.isfinite(survey.numbers("line", f"{end}_ref_z"))]] = True
    mask = valve & met[:-1] & ~told[:-1] & survey.alive["point"]
    mask &= survey.table("point")["well_depth"].isna().to_numpy(bool)
    yield hits("point", mask, "well_depth", found=survey.delivered("point", "appurtenance"))


CHECKS: Final = (
    batch_constant,
    cables_and_fibres,
    class_constant,
    missing_material,
    poles_without_height,
    valves_without_depth,
)
