"""A header that does not do refuses the delivery; other classes are checked all the same."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.survey import SurveyReader
from models.findings import Finding

PLANTED = Path(__file__).parents[3] / "data-samples" / "planted" / "survey_with_mistakes.xlsx"
SEWAGE = {"污水点", "污水线"}


def _told(findings: tuple[Finding, ...]) -> set[tuple[str, str | None, int | None]]:
    """What is said of the sewage sheets; clashes and clearances may be with the class left out."""
    return {
        (f.rule or f.code, f.place.sheet, f.place.row)
        for f in findings
        if f.place.sheet in SEWAGE and not f.code.startswith("CLS")
    }


@pytest.mark.parametrize("header", ["管径", "连接点号"])
def test_other_classes_are_checked_all_the_same(tmp_path: Path, header: str) -> None:
    book = openpyxl.load_workbook(PLANTED)
    sheet = book["给水线"]
    (cell,) = [c for row in sheet.iter_rows(max_row=4) for c in row if c.value == header]
    sheet.delete_cols(cell.column)
    path = tmp_path / "lacking.xlsx"
    book.save(path)
    with pytest.raises(RefusedError) as refused:
        SurveyReader().read((path,), ReadOptions())
    first = refused.value.findings[0]
    assert (first.code, first.place.sheet) == ("STR-01", "给水线")
    known = SurveyReader().read((PLANTED,), ReadOptions())
    assert _told(refused.value.findings) == _told(known.findings) != set()
    water = [f for f in refused.value.findings if f.place.sheet in {"给水点", "给水线"}]
    assert {f.code for f in water} <= {"STR-01", "STR-10"}
