"""Every planted mistake is found where it was planted, and nothing else but its consequences."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.errors import RefusedError
from ingest.readers.base import ReadOptions
from ingest.readers.survey import SurveyReader
from models.findings import Finding, Severity


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
    assert len(expected["findings"]) >= 60
    assert len({e["code"] for e in expected["findings"] + expected["files"]}) >= 40


def test_the_readme_has_their_numbers(
    root: Path, expected: dict[str, Any], findings: tuple[Finding, ...]
) -> None:
    row = next(
        line
        for line in (root / "README.md").read_text("utf-8").splitlines()
        if "survey_with_mistakes.xlsx" in line
    )
    assert re.findall(r"\d+ (?:mistakes|findings)", row) == [
        f"{len(expected['findings'])} mistakes",
        f"{len(findings)} findings",
    ]


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


@pytest.fixture(scope="module")
def sound(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    """The findings of the same survey without its mistakes."""
    path = tmp_path_factory.mktemp("sound") / "survey.xlsx"
    write = (
        "import sys; from pathlib import Path; from generator import planted, sites;"
        "planted.write_sound(sites.songjiang(), Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", write, str(path)], cwd=root, check=True)
    (group,) = SurveyReader().group([path])
    return SurveyReader().read(group, ReadOptions()).findings


def test_without_mistakes_there_is_nothing_to_correct(sound: tuple[Finding, ...]) -> None:
    assert [f for f in sound if f.severity is not Severity.INFO] == []


def test_nothing_else_is_found(
    expected: dict[str, Any], findings: tuple[Finding, ...], sound: tuple[Finding, ...]
) -> None:
    may = [*expected["findings"], *expected["may_follow"]]
    allowed = {(e["sheet"], e["row"], e["code"]) for e in may}
    allowed |= {(f.place.sheet, f.place.row, f.code) for f in sound}
    found = [f for f in findings if f.severity is not Severity.INFO]
    assert [f for f in found if (f.place.sheet, f.place.row, f.code) not in allowed] == []


def test_a_consequence_stands_only_where_its_mistake_leads(expected: dict[str, Any]) -> None:
    planted = {(e["sheet"], e["row"]) for e in expected["findings"]}
    for e in expected["may_follow"]:
        assert set(e) == {"sheet", "row", "code"}
        # A consequence on a line is on the changed row itself, one on a point may be at its end.
        assert e["sheet"].endswith("点") or (e["sheet"], e["row"]) in planted
    assert len(expected["may_follow"]) < len(expected["findings"]) / 2


def test_files_that_must_be_refused_whole(root: Path, expected: dict[str, Any]) -> None:
    reader = SurveyReader()
    for e in expected["files"]:
        (group,) = reader.group([root / "planted" / e["file"]])
        with pytest.raises(RefusedError) as caught:
            reader.read(group, ReadOptions())
        assert e["code"] in {f.code for f in caught.value.findings}, e
