"""Nodes and links of an input file, checked row by row: everything wrong is said in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.readers.epanet_inp import Inp, Row
from models.findings import Finding, Place, Severity

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Objects = npt.NDArray[np.object_]

#: Findings of one kind before the rest is only counted.
MAX_TOLD: Final = 1000


@dataclass(frozen=True, slots=True)
class Spec:
    """A section: its four letters, its name as the manuals write it, the columns in order. The
    first ``required`` must be there; those in ``numeric`` must be finite numbers."""

    section: str
    name: str
    columns: tuple[str, ...]
    required: int
    numeric: frozenset[str]


def spec(name: str, columns: str, required: int, numeric: str = "") -> Spec:
    """A :class:`Spec` with the columns as words; the first is ``id``."""
    return Spec(name[:4], name, tuple(columns.split()), required, frozenset(numeric.split()))


@dataclass(slots=True)
class Report:
    """Findings of a file, at most :data:`MAX_TOLD` of a kind one by one."""

    file: str
    findings: list[Finding] = field(default_factory=list)

    def rows(
        self,
        frame: pd.DataFrame,
        code: str,
        zh: str,
        en: str,
        *,
        severity: Severity = Severity.ERROR,
        column: str | None = None,
        found: str = "{id}",
        expected: str | None = None,
    ) -> None:
        """A finding for each row of ``frame``, which has ``section``, ``line`` and ``id``; the
        sentences and ``found`` are filled with its columns."""
        for row in frame.head(MAX_TOLD).to_dict("records"):
            where = f"{self.file} [{row['section']}]"
            self.findings.append(
                Finding(
                    code,
                    severity,
                    Place(self.file, row["section"], int(row["line"]), column, str(row["id"])),
                    f"{where} 第 {row['line']} 行：{zh.format_map(row)}",
                    f"{where} line {row['line']}: {en.format_map(row)}",
                    found.format_map(row),
                    expected,
                )
            )
        if (more := len(frame) - MAX_TOLD) > 0:
            self.findings.append(
                Finding(
                    code,
                    severity,
                    Place(self.file, column=column),
                    f"{self.file}：另有 {more} 行同样的问题（{code}）。请一并更正。",
                    f"{self.file}: {more} more lines have the same fault ({code}). Correct them "
                    "too.",
                    str(more),
                )
            )


def table(inp: Inp, what: Spec, report: Report) -> pd.DataFrame:
    """The rows of a section: ``line``, ``section`` (its name), the columns (text, or floats with
    NaN where absent) and ``good``, false for rows with too few fields or a bad number."""
    rows = inp.rows(what.section)
    size = np.array([len(r.fields) for r in rows], np.int64)
    frame = pd.DataFrame({"line": np.array([r.line for r in rows], np.int64)})
    frame["section"], frame["fields"] = what.name, size
    good = size >= what.required
    for index, name in enumerate(what.columns):
        text = _column(rows, index)
        if name not in what.numeric:
            frame[name] = pd.Series(text, dtype=object)
            continue
        number = pd.to_numeric(pd.Series(text, dtype=object), errors="coerce").astype(np.float64)
        wrong = ~np.isfinite(number.to_numpy()) & (size > index)
        frame[name] = number.mask(wrong)
        good &= ~wrong
        report.rows(
            frame.assign(text=text)[wrong],
            "STR-04",
            f"{{id}} 的 {name} 为“{{text}}”，应为数值。请更正。",
            f"{name} of {{id}} is “{{text}}”, expected a number. Correct it.",
            column=name,
            found="{text}",
            expected="number",
        )
    report.rows(
        frame[size < what.required],
        "STR-02",
        f"只有 {{fields}} 个字段，至少应有 {what.required} 个"
        f"（{' '.join(what.columns[: what.required])}）。请补全。",
        f"found {{fields}} fields, expected at least {what.required} "
        f"({' '.join(what.columns[: what.required])}). Complete it.",
        found="{fields}",
        expected=f">= {what.required}",
    )
    return frame.assign(good=good)


def names(column: Any, fold: bool) -> Objects:
    """Ids to compare by: EPANET tells cases apart, SWMM does not (``fold``)."""
    out = np.asarray(column, dtype=object)
    return np.array([v.upper() if isinstance(v, str) else v for v in out], object) if fold else out


def check_unique(frame: pd.DataFrame, code: str, fold: bool, report: Report) -> Mask:
    """Rows whose id no other row has; all others get a finding, for none is known to be right."""
    key = pd.Series(names(frame["id"], fold), dtype=object)
    again = (key.duplicated(keep=False) & key.notna()).to_numpy(bool)
    report.rows(
        frame[again],
        code,
        "编号 {id} 重复，无法判断哪一行正确。请改为唯一编号。",
        "the id {id} is used more than once, and nobody can tell which line is right. "
        "Give every one its own.",
        expected="unique",
    )
    return np.asarray(~again)


def find(ids: Any, wanted: Any, fold: bool) -> Rows:
    """Positions in ``ids`` of ``wanted``, the first of equal ones; -1 where there is none."""
    key = names(ids, fold)
    rows = np.flatnonzero(~pd.Series(key, dtype=object).duplicated().to_numpy() & pd.notna(key))
    at = pd.Index(key[rows], dtype=object).get_indexer(pd.Index(names(wanted, fold), dtype=object))
    return np.where(at >= 0, np.append(rows, -1)[at], -1)


def place_nodes(
    nodes: pd.DataFrame, coordinates: pd.DataFrame, fold: bool, report: Report
) -> Floats:
    """(n, 2) of every node from [COORDINATES], of which the last line counts, as in the programs;
    NaN and a finding (STR-02) where there is none."""
    usable = coordinates[coordinates["good"]].iloc[::-1]
    at = find(usable["id"], nodes["id"], fold)
    xy = np.append(usable[["x", "y"]].to_numpy(np.float64), [[np.nan, np.nan]], axis=0)[at]
    report.rows(
        nodes[(at < 0) & nodes["id"].notna()],
        "STR-02",
        "节点 {id} 在 [COORDINATES] 中没有坐标。请补充。",
        "node {id} has no line in [COORDINATES]. Add it.",
        column="x, y",
        found="-",
        expected="x y",
    )
    tell_stray(report, coordinates[find(nodes["id"], coordinates["id"], fold) < 0])
    return xy


def tell_stray(report: Report, rows: pd.DataFrame) -> None:
    """INP-01: rows that speak of something the file has not."""
    report.rows(
        rows,
        "INP-01",
        "{id} 在本文件中不存在，该行未使用。请核对编号。",
        "{id} is not in this file, and the line is not used. Check the id.",
        severity=Severity.WARNING,
    )


def join_links(
    links: pd.DataFrame, nodes: pd.DataFrame, alive: Mask, fold: bool, report: Report
) -> tuple[Rows, Rows, Mask]:
    """Positions of both end nodes and which links stand: LN-03 for a node that is absent or was
    refused, LN-01 for one that ends where it starts."""
    good = links["good"].to_numpy(bool)
    a, b = (find(nodes["id"], links[column], fold) for column in ("from", "to"))
    for column, node in (("from", a), ("to", b)):
        report.rows(
            links[good & (node < 0)],
            "LN-03",
            f"管段 {{id}} 的端点 {{{column}}} 不存在。请补充该节点或更正编号。",
            f"link {{id}} ends at node {{{column}}}, which the file has not. Add the node or "
            "correct the id.",
            column=column,
            found=f"{{{column}}}",
            expected="a node of the file",
        )
        report.rows(
            links[good & (node >= 0) & ~np.append(alive, True)[node]],
            "LN-03",
            f"管段 {{id}} 的端点 {{{column}}} 已被拒收。请先更正该节点。",
            f"link {{id}} ends at node {{{column}}}, which was refused. Correct the node first.",
            column=column,
            found=f"{{{column}}}",
            expected="a sound node",
        )
    loop = (a == b) & (a >= 0)
    report.rows(
        links[good & loop],
        "LN-01",
        "管段 {id} 起点与终点相同。请更正端点。",
        "link {id} ends at the node where it starts. Correct its ends.",
    )
    stands = np.append(alive, False)
    return a, b, np.asarray(good & stands[a] & stands[b] & ~loop)


def _column(rows: Sequence[Row], index: int) -> Objects:
    out = np.empty(len(rows), object)
    out[:] = [r.fields[index] if len(r.fields) > index else None for r in rows]
    return out
