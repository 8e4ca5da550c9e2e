"""Waivers: what is accepted stays visible and counts no more; what is wrong with one is told."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.readers.base import ReadOptions
from ingest.rules import waivers
from ingest.rules.context import CheckContext
from ingest.rules.pack import load_packs, parse_pack
from ingest.rules.testing import read_case, write_case
from ingest.rules.waivers import Waiver, WaiverError
from ingest.testing import read
from models.features import Delivery
from models.findings import Severity

DAY = date(2026, 3, 1)
GOOD = {
    "rule": "LN-08",
    "element": "JS1~JS2",
    "reason": "该段为历史成果，高程以复测为准",
    "person": "审核员甲",
    "date": "2026-02-01",
    "until": "2026-12-31",
    "evidence": "会议纪要 2026-3",
}
#: LN-08 refuses the line JS1~JS2.
CASE = {"lines": {"JS1~JS2": {"起点高程": 2.9}}}


def listed(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "waivers.yaml"
    path.write_text(yaml.safe_dump({"waivers": list(entries)}, allow_unicode=True), "utf-8")
    return path


def checked(folder: Path, *accepted: Waiver, case: dict[str, Any] = CASE) -> Delivery:
    (path,) = write_case(case, folder)
    return read(path, options=ReadOptions(context=CheckContext(waivers=accepted)))


def test_a_waived_finding_stays_and_its_row_is_kept(tmp_path: Path) -> None:
    (waiver,) = waivers.load(listed(tmp_path, GOOD), DAY).waivers
    before, after = read_case(CASE, tmp_path), checked(tmp_path, waiver)
    assert (len(before.tables["pipe_segment"]), len(after.tables["pipe_segment"])) == (2, 3)
    assert (before.errors, after.errors) == (1, 0)
    (finding,) = [f for f in after.findings if f.rule == "LN-08"]
    assert finding.severity is Severity.INFO
    told = json.loads(json.dumps(finding.as_dict()))["extra"]["waiver"]
    assert told == {
        **{k: GOOD[k] for k in ("rule", "reason", "person", "date", "until", "evidence")},
        "severity": "error",
    }
    assert GOOD["reason"] in finding.zh and GOOD["person"] in finding.en
    assert "照常入库" in finding.zh and "the row is kept" in finding.en


def test_other_rows_of_the_rule_are_not_waived(tmp_path: Path) -> None:
    (waiver,) = waivers.load(listed(tmp_path, GOOD), DAY).waivers
    case = {"lines": {name: {"起点高程": 2.9} for name in ("JS1~JS2", "JS2~JS3")}}
    delivery = checked(tmp_path, waiver, case=case)
    assert [f.place.element for f in delivery.findings if f.severity is Severity.ERROR] == [
        "JS2~JS3"
    ]


def test_csv_with_chinese_headers_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "豁免.csv"
    header = "规则,工作表,行,理由,批准人,日期,有效期至,依据\n"
    row = "LN-08,JSLine,4,历史成果,审核员甲,2026/02/01,2026/12/31,纪要\n"
    path.write_text(header + row, "gb18030")
    (waiver,) = waivers.load(path, DAY).waivers
    assert (waiver.sheet, waiver.row, waiver.element) == ("JSLine", 4, None)
    assert checked(tmp_path, waiver).errors == 0


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"reason": None}, "WVR-01", "reason"),
        ({"person": " "}, "WVR-01", "person"),
        ({"element": None}, "WVR-01", "row | 点号或管段"),
        ({"row": "4a"}, "WVR-01", "row"),
        ({"until": "年底"}, "WVR-01", "until"),
        ({"until": "2026-02-28"}, "WVR-02", "2026-03-01"),
        ({"date": "2026-03-02"}, "WVR-02", "2026-03-01"),
    ],
)
def test_what_is_incomplete_or_out_of_term_waives_nothing(
    change: dict[str, Any], code: str, says: str, tmp_path: Path
) -> None:
    loaded = waivers.load(listed(tmp_path, {**GOOD, **change}), DAY)
    assert loaded.waivers == ()
    (finding,) = loaded.findings
    assert (finding.code, finding.severity, finding.place.row) == (code, Severity.WARNING, 1)
    assert "请" in finding.zh and (says in finding.en or says.split(" | ")[0] in finding.en)


@pytest.mark.parametrize("until", ["2026-03-01", "2026-03-02"])
def test_the_last_day_counts(until: str, tmp_path: Path) -> None:
    assert len(waivers.load(listed(tmp_path, {**GOOD, "until": until}), DAY).waivers) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rule": "LN-99"}, "WVR-03"),  # no such rule
        ({"element": "JS2~JS3"}, "WVR-03"),  # no such finding
        ({"rule": "LN-03", "element": "JS4~JS9"}, "WVR-04"),  # a line without its point
    ],
)
def test_a_waiver_of_nothing_or_of_what_may_not_be_waived_is_told(
    change: dict[str, Any], code: str, tmp_path: Path
) -> None:
    (waiver,) = waivers.load(listed(tmp_path, {**GOOD, **change}), DAY).waivers
    case = {"lines": {**CASE["lines"], "JS4~JS9": {}}}
    delivery = checked(tmp_path, waiver, case=case)
    assert delivery.errors == 2
    assert [f.code for f in waivers.unused(delivery.findings, [waiver])] == [code]


def test_a_mandatory_clause_cannot_be_waived(tmp_path: Path) -> None:
    (waiver,) = waivers.load(listed(tmp_path, {**GOOD, "rule": "X-1"}), DAY).waivers
    rule = {
        "id": "X-1", "check": "depth_identity", "severity": "error", "mandatory": True,
        "params": {"tolerance": 0.02}, "title": {"zh": "题", "en": "title"}, "zh": "值", "en": "v",
        "evidence": {"standard": "GB 1", "clause": "1", "verified": True},
    }  # fmt: skip
    pack = parse_pack(yaml.safe_dump({"id": "x", "version": "1", "rules": [rule]}).encode())
    (path,) = write_case(CASE, tmp_path)
    context = CheckContext(packs=(pack,), waivers=(waiver,))
    delivery = read(path, options=ReadOptions(context=context))
    assert delivery.errors == 1
    codes = [f.code for f in waivers.apply(delivery.findings, [waiver], [pack])]
    assert codes == ["X-1", "WVR-04"]


def test_findings_can_be_marked_afterwards_and_only_once(tmp_path: Path) -> None:
    (waiver,) = waivers.load(listed(tmp_path, GOOD), DAY).waivers
    findings = read_case(CASE, tmp_path).findings
    once = waivers.apply(findings, [waiver])
    (marked,) = [f for f in once if f.rule == "LN-08"]
    assert marked.severity is Severity.INFO
    assert "the row is kept" not in marked.en  # it was left out when it was read
    assert waivers.apply(once, [waiver]) == once


def test_a_statement_about_the_whole_can_be_waived(tmp_path: Path) -> None:
    table = [["管线种类", "长度(m)"], ["给水", 120.0]]
    entry = {**GOOD, "rule": "TOT-01", "element": "给水"}
    (waiver,) = waivers.load(listed(tmp_path, entry), DAY).waivers
    delivery = checked(tmp_path, waiver, case={"sheets": {"统计表": table}})
    assert [f.severity for f in delivery.findings if f.rule == "TOT-01"] == [Severity.INFO]


@pytest.mark.parametrize("content", ["[1, 2", "waivers: 3", "- a", "理由,日期\n1,2\n"])
def test_what_is_no_list_of_waivers(content: str, tmp_path: Path) -> None:
    path = tmp_path / ("w.csv" if "," in content and "\n" in content else "w.yaml")
    path.write_text(content, "utf-8")
    with pytest.raises(WaiverError, match=path.name):
        waivers.load(path, DAY)


def test_every_rule_that_a_row_cannot_be_stored_without_is_not_waivable() -> None:
    fixed = {r.id for p in load_packs() for r in p.rules if not r.waivable}
    assert {"STR-02", "STR-03", "PT-01", "PT-05", "LN-01", "LN-03", "LN-03.refused"} <= fixed
