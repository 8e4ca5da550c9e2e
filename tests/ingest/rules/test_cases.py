"""Every rule of every pack on a survey that it passes, one that it fails and one on the border.

``cases/<pack>.yaml`` holds them by rule; :mod:`ingest.rules.testing` says how a case is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.rules.pack import load_packs
from ingest.rules.testing import check_case
from ingest.testing import require_complete

FOLDER = Path(__file__).parent / "cases"
CASES: dict[str, dict[str, Any]] = {
    rule: case
    for path in sorted(FOLDER.glob("*.yaml"))
    for rule, case in yaml.safe_load(path.read_text("utf-8")).items()
}
RULES = {rule.id: rule for pack in load_packs() for rule in pack.rules}


def test_every_rule_has_three_cases_and_every_case_a_rule() -> None:
    assert set(CASES) == set(RULES)
    assert {rule for rule, case in CASES.items() if set(case) != {"pass", "fail", "edge"}} == set()
    assert {rule for rule, case in CASES.items() if "found" not in case["edge"]} == set()


@pytest.mark.parametrize("rule", CASES)
def test_rule(rule: str, tmp_path: Path) -> None:
    found = {}
    for name, case in CASES[rule].items():
        folder = tmp_path / name
        folder.mkdir()
        found[name] = [f for f in check_case(case, folder) if f.rule == rule]
    assert found["pass"] == []
    assert found["fail"] != []
    assert bool(found["edge"]) is CASES[rule]["edge"]["found"], found["edge"]
    for finding in found["fail"]:
        assert (finding.code, finding.verified) == (RULES[rule].code, RULES[rule].evidence.verified)
        assert finding.severity is RULES[rule].severity
        require_complete(finding)
