"""``twin check`` on a survey: own rules, waivers, an approved design, and the ground."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from twin.testing import Command, Program

ROOT = Path(__file__).parents[2]
PLANTED = ROOT / "data-samples" / "planted" / "survey_with_mistakes.xlsx"
WORKBOOK = next((ROOT / "data-samples").glob("*/pipes.xlsx"))
TWIN = WORKBOOK.parent.name


@pytest.fixture
def program(tmp_path: Path) -> Command:
    return Program(tmp_path / "home").here


def _of(report: Any, code: str) -> list[Any]:
    return [f for f in report["findings"] if f["code"] == code]


def _waiver(path: Path, code: str, row: int, until: date) -> Path:
    entry = {
        "rule": code,
        "row": row,
        "reason": "现场已复核 checked on site",
        "person": "审核人",
        "date": "2026-01-02",
        "until": until.isoformat(),
        "evidence": "letter 12",
    }
    path.write_text(yaml.safe_dump([entry], allow_unicode=True), encoding="utf-8")
    return path


def test_a_waived_finding_stays_and_counts_no_more(program: Command, tmp_path: Path) -> None:
    before = program.json("check", PLANTED, status=1)
    long_line = _of(before, "LN-04")[0]
    tomorrow = date.today() + timedelta(days=1)
    waivers = _waiver(tmp_path / "w.yaml", "LN-04", long_line["place"]["row"], tomorrow)
    after = program.json("check", PLANTED, "--waivers", waivers, status=1)
    waived = next(f for f in _of(after, "LN-04") if f["place"]["row"] == long_line["place"]["row"])
    assert waived["severity"] == "info"
    assert waived["extra"]["waiver"]["person"] == "审核人"
    assert len(after["findings"]) == len(before["findings"])


def test_a_waiver_out_of_term_is_told(program: Command, tmp_path: Path) -> None:
    waivers = _waiver(tmp_path / "w.yaml", "LN-04", 46, date(2026, 1, 3))
    report = program.json("check", PLANTED, "--waivers", waivers, status=1)
    told = [f for f in report["findings"] if f["code"].startswith("WVR")]
    assert [f["place"]["file"] for f in told] == ["w.yaml"]
    assert all(f["severity"] == "warning" for f in _of(report, "LN-04"))


def test_an_own_rule_replaces_the_shipped_one(program: Command, tmp_path: Path) -> None:
    shipped = ROOT / "ingest" / "rules" / "packs" / "pipe-survey.yaml"
    pack = yaml.safe_load(shipped.read_text("utf-8"))
    own = next(rule for rule in pack["rules"] if rule["id"] == "LN-04")
    limit = next(k for k, v in own["params"].items() if isinstance(v, int | float))
    own["params"][limit] = 1000
    path = tmp_path / "own.yaml"
    path.write_text(
        yaml.safe_dump({"id": "own", "version": "1", "rules": [own]}, allow_unicode=True), "utf-8"
    )
    assert _of(program.json("check", PLANTED, status=1), "LN-04")
    assert not _of(program.json("check", PLANTED, "--rules", path, status=1), "LN-04")


def test_files_that_are_none_are_named(program: Command, tmp_path: Path) -> None:
    for option in ("--rules", "--waivers", "--design", "--resurvey", "--mapping"):
        ended = program.run("check", PLANTED, option, tmp_path / "absent.yaml")
        assert ended.returncode == 2, option
        assert "absent.yaml" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_saved_mapping_is_used_again(program: Command, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(WORKBOOK)
    for sheet in book:
        for row in sheet.iter_rows(max_row=6):
            for cell in row:
                if cell.value == "材质":
                    cell.value = "管子材料"
    path, mapping = tmp_path / "own-words.xlsx", tmp_path / "m.yaml"
    book.save(path)
    program.json("check", path, "--save-mapping", mapping, status=0)
    saved = yaml.safe_load(mapping.read_text("utf-8"))
    saved["columns"]["管子材料"] = "material"
    mapping.write_text(yaml.safe_dump(saved, allow_unicode=True), "utf-8")
    again = program.json("check", path, "--mapping", mapping)
    assert not [f for f in again["findings"] if f["place"]["column"] == "管子材料"]
    assert again["files"][0]["refused"] == 0


def test_a_design_is_compared_with(program: Command, tmp_path: Path) -> None:
    same = program.json("check", WORKBOOK, "--design", WORKBOOK)
    assert not _of(same, "AS-01")
    book = openpyxl.load_workbook(WORKBOOK)
    sheet = book["给水点"]
    heads = {c.value: c.column for row in sheet.iter_rows(max_row=4) for c in row if c.value}
    cell = next(
        c
        for c in (sheet.cell(r, heads["X"]) for r in range(3, 12))
        if isinstance(c.value, int | float)
    )
    cell.value += 3.0
    design = tmp_path / "design.xlsx"
    book.save(design)
    assert _of(program.json("check", WORKBOOK, "--design", design), "AS-01")


def test_heights_are_compared_with_the_ground(program: Command, tmp_path: Path) -> None:
    taken = program.json("ingest", WORKBOOK.parent / "dem.tif", "--twin", TWIN)
    assert taken["files"][0]["accepted"] == 1
    right = [
        f["place"] for f in _of(program.json("check", WORKBOOK, "--twin", TWIN), "PT-06")
    ]  # an outfall in the bank of a canal, which cells of 10 m do not show
    book = openpyxl.load_workbook(WORKBOOK)
    sheet = book["给水点"]
    heads = {c.value: c.column for row in sheet.iter_rows(max_row=4) for c in row if c.value}
    column = next(v for k, v in heads.items() if str(k).startswith("地面高程"))
    cell = next(
        c for c in (sheet.cell(r, column) for r in range(3, 12)) if isinstance(c.value, int | float)
    )
    cell.value += 5.0
    wrong = tmp_path / "high.xlsx"
    book.save(wrong)
    told = _of(program.json("check", wrong, "--twin", TWIN, status=1), "PT-06")
    (new,) = [f for f in told if {**f["place"], "file": WORKBOOK.name} not in right]
    assert (new["place"]["sheet"], new["place"]["row"]) == ("给水点", cell.row)
