"""Every planted mistake is found where it was planted, and nothing else but its consequences."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.survey import SurveyReader
from models.findings import Finding


@pytest.fixture(scope="module")
def expected(root: Path) -> dict[str, Any]:
    listing = yaml.safe_load((root / "planted" / "expected.yaml").read_text("utf-8"))
    assert isinstance(listing, dict)
    return listing


@pytest.fixture(scope="module")
def findings(root: Path, expected: dict[str, Any]) -> tuple[Finding, ...]:
    path = root / "planted" / expected["findings"][0]["file"]
    (group,) = SurveyReader().group([path])
    return SurveyReader().read(group, ReadOptions()).findings


def test_a_good_many_mistakes_of_many_kinds(expected: dict[str, Any]) -> None:
    assert len(expected["findings"]) >= 30
    assert len({e["code"] for e in expected["findings"] + expected["files"]}) >= 25


def test_every_planted_mistake_is_found(
    expected: dict[str, Any], findings: tuple[Finding, ...]
) -> None:
    places = [
        (f.place.file, f.place.sheet, f.place.row, f.code, str(f.severity), f.place.column)
        for f in findings
    ]
    for e in expected["findings"]:
        here = [
            p
            for p in places
            if p[:5] == (e["file"], e["sheet"], e["row"], e["code"], e["severity"])
        ]
        assert here, e
        assert e["column"] is None or e["column"] in {p[5] for p in here}, (e, here)


def test_nothing_else_is_found(expected: dict[str, Any], findings: tuple[Finding, ...]) -> None:
    planted = {(e["sheet"], e["row"], e["code"]) for e in expected["findings"]}
    other = [f for f in findings if (f.place.sheet, f.place.row, f.code) not in planted]
    assert {f.code for f in other} <= set(expected["may_follow"])


def test_files_that_must_be_refused_whole(root: Path, expected: dict[str, Any]) -> None:
    reader = SurveyReader()
    for e in expected["files"]:
        (group,) = reader.group([root / "planted" / e["file"]])
        with pytest.raises(RefusedError) as caught:
            reader.read(group, ReadOptions())
        assert e["code"] in {f.code for f in caught.value.findings}, e
