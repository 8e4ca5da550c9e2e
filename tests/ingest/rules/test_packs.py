"""Several packs in their order, the user's own among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.readers.base import ReadOptions
from ingest.rules.context import CheckContext
from ingest.rules.pack import RulePackError, load_packs, shipped
from ingest.rules.testing import read_case, write_case
from ingest.testing import read

RULE: dict[str, Any] = {
    "id": "OWN-1",
    "title": {"zh": "超长", "en": "too long"},
    "check": "too_long",
    "severity": "warning",
    "params": {"limit": 20},
    "zh": "{found} 超过 {limit}，请核实。",
    "en": "{found} > {limit}. Check it.",
    "evidence": {"standard": "本项目", "verified": False},
}


def own(folder: Path, *rules: dict[str, Any], name: str = "own", **more: Any) -> Path:
    path = folder / f"{name}.yaml"
    pack = {"id": name, "version": "1", "rules": list(rules), **more}
    path.write_text(yaml.safe_dump(pack, allow_unicode=True), "utf-8")
    return path


def rules_found(folder: Path, *packs: Path) -> set[str | None]:
    (path,) = write_case({}, folder)
    context = CheckContext(packs=load_packs(own=packs))
    return {f.rule for f in read(path, options=ReadOptions(context=context)).findings}


def test_all_shipped_packs_run_by_default_in_their_order(tmp_path: Path) -> None:
    packs = load_packs()
    assert {p.id for p in packs} == set(shipped())
    assert [p.order for p in packs] == sorted(p.order for p in packs)
    assert packs[0].id == "pipe-survey"
    assert read_case({}, tmp_path).findings == ()


def test_an_own_pack_runs_beside_the_shipped_ones(tmp_path: Path) -> None:
    path = own(tmp_path, RULE)
    assert load_packs(own=[path])[-1].id == "own"
    assert rules_found(tmp_path, path) == {"OWN-1"}


def test_an_own_rule_replaces_the_shipped_one_where_it_stands(tmp_path: Path) -> None:
    path = own(tmp_path, {**RULE, "id": "LN-04"})
    packs = load_packs(own=[path])
    places = [[r.id for r in p.rules] for p in load_packs()]
    assert [[r.id for r in p.rules] for p in packs] == [*places, []]
    assert rules_found(tmp_path, path) == {"LN-04"}


def test_an_own_pack_with_the_id_of_a_shipped_one_stands_in_its_place(tmp_path: Path) -> None:
    path = own(tmp_path, RULE, name="pipe-survey", order=10)
    (pack,) = [p for p in load_packs(own=[path]) if p.id == "pipe-survey"]
    assert [r.id for r in pack.rules] == ["OWN-1"]


def test_two_own_packs_cannot_have_one_rule_twice(tmp_path: Path) -> None:
    paths = [own(tmp_path, RULE, name="a"), own(tmp_path, RULE, name="b")]
    with pytest.raises(RulePackError, match=r"OWN-1.*two packs"):
        load_packs(own=paths)


def test_an_own_pack_cannot_make_an_unverified_number_an_error(tmp_path: Path) -> None:
    with pytest.raises(RulePackError, match=r"OWN-1.*not verified"):
        load_packs(own=[own(tmp_path, {**RULE, "severity": "error"})])


def test_packs_may_be_chosen_by_name() -> None:
    assert [p.id for p in load_packs(["pipe-survey"])] == ["pipe-survey"]
