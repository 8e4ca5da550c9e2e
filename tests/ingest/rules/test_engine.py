"""The engine: findings in full where rows are refused, summarised where they are not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingest.rules.engine import DETAILED, row_spans, run
from ingest.rules.network import Issue, Sheet, Survey
from ingest.rules.pack import parse_pack

PACK = """
id: t
version: "1"
rules:
  - {id: %s, title: {zh: 题, en: title}, check: cell_issue, severity: %s, params: {kind: grammar},
     zh: "值 {found}", en: "value {found} in {column}",
     evidence: {standard: S, clause: "1", verified: true}}
"""


def survey(count: int) -> Survey:
    points = pd.DataFrame(
        {
            "sheet": np.zeros(count, int),
            "row": np.arange(count) + 2,
            "exp_no": pd.Series([f"A{i}" for i in range(count)], dtype=object),
            **{name: np.zeros(count) for name in ("x_src", "y_src", "ground_h")},
        }
    )
    rows = np.arange(count)
    issue = Issue("grammar", "point", "size", rows, np.full(count, "3OO", object))
    lines = pd.DataFrame({"a": np.empty(0, int), "b": np.empty(0, int)})
    return Survey(points, lines, [Sheet("f.csv", None, {"point": {"size": "管径"}})], [issue])


def test_errors_refuse_and_are_all_named() -> None:
    data = survey(500)
    findings = run(parse_pack((PACK % ("STR-06", "error")).encode()), data)
    assert len(findings) == 500
    assert not data.alive["point"].any()
    first = findings[0]
    assert (first.place.file, first.place.row, first.place.column) == ("f.csv", 2, "管径")
    assert (first.found, first.clause, first.verified) == ("3OO", "S 1", True)
    assert "值 3OO" in first.zh and "第2行" in first.zh
    assert "value 3OO in 管径" in first.en


def test_warnings_keep_rows_and_are_summarised() -> None:
    data = survey(500)
    findings = run(parse_pack((PACK % ("STR-06", "warning")).encode()), data)
    assert data.alive["point"].all()
    assert len(findings) == DETAILED + 1
    assert findings[-1].extra == {"rows": "102-501", "count": 400}


def test_row_spans() -> None:
    assert row_spans(np.array([3, 4, 5, 9, 11, 12])) == "3-5,9,11-12"
    assert row_spans(np.array([7])) == "7"
