"""Rule packs: what the loader accepts and what it refuses."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest
import yaml

from ingest.rules.pack import RulePackError, load_pack, parse_pack
from models.findings import Severity

RULE: dict[str, object] = {
    "id": "LN-04",
    "title": {"zh": "超长", "en": "too long"},
    "check": "too_long",
    "severity": "warning",
    "params": {"limit": 75},
    "zh": "{found} > {limit}",
    "en": "{found} > {limit}",
    "evidence": {"standard": "GB 1", "clause": "1.2", "verified": False},
}


def pack(*rules: dict[str, object]) -> bytes:
    return yaml.safe_dump({"id": "t", "version": "1", "rules": list(rules)}).encode()


def test_shipped_pack_is_hashed_cited_and_bilingual() -> None:
    shipped = load_pack("pipe-survey")
    data = (files("ingest.rules") / "packs" / "pipe-survey.yaml").read_bytes()
    assert shipped.sha256 == hashlib.sha256(data).hexdigest()
    for rule in shipped.rules:
        assert rule.title["zh"] and rule.title["en"] and rule.zh and rule.en
        assert rule.evidence.standard
        assert rule.evidence.verified or rule.severity is not Severity.ERROR
        assert rule.refuses or rule.severity is not Severity.ERROR
        assert "请" in rule.zh and (rule.expected or not rule.refuses), rule.id


def test_a_rule_that_refuses_cannot_be_grouped() -> None:
    with pytest.raises(RulePackError, match=r"LN-04.*cannot be grouped"):
        parse_pack(pack({**RULE, "refuses": True, "grouped": True}))


def test_an_unverified_rule_can_never_be_an_error() -> None:
    assert parse_pack(pack(RULE)).rules[0].evidence.verified is False
    with pytest.raises(RulePackError, match=r"LN-04.*not verified"):
        parse_pack(pack({**RULE, "severity": "error"}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"check": "no_such"}, "no_such"),
        ({"severity": "fatal"}, "fatal"),
        ({"params": {}}, "limit"),
        ({"params": {"limit": 1, "other": 2}}, "other"),
        ({"evidence": None}, "verified"),
        ({"evidence": {"standard": "GB 1"}}, "verified"),
        ({"zh": "{found.__class__}"}, "__class__"),
    ],
)
def test_wrong_rules_are_named(change: dict[str, object], says: str) -> None:
    with pytest.raises(RulePackError, match=says):
        parse_pack(pack({**RULE, **change}))


def test_an_id_is_used_once() -> None:
    with pytest.raises(RulePackError, match="twice"):
        parse_pack(pack(RULE, RULE))


def test_what_is_no_pack() -> None:
    for data in (b"[1, 2", b"- a", b"rules: 3", b""):
        with pytest.raises(RulePackError):
            parse_pack(data)
    with pytest.raises(RulePackError, match="no rule pack"):
        load_pack("absent")


def test_other_content_has_another_hash() -> None:
    assert (
        parse_pack(pack(RULE)).sha256 != parse_pack(pack({**RULE, "params": {"limit": 50}})).sha256
    )


def test_a_profile_may_set_a_limit_and_an_unverified_one_never_in_an_error() -> None:
    limits = {"long": {"value": 50, "unit": "m", "verified": False}}
    sure = {**RULE, "evidence": {"standard": "GB 1", "verified": True}}
    own = {"profile_limits": {"limit": "long"}}
    (warning,) = parse_pack(pack({**sure, **own})).rules
    assert warning.under({}) == warning
    assert (warning.under(limits).params, warning.under(limits).evidence.verified) == (
        {"limit": 50},
        False,
    )
    (error,) = parse_pack(pack({**sure, **own, "severity": "error"})).rules
    assert error.under(limits) == error
    assert error.under({"long": {**limits["long"], "verified": True}}).params == {"limit": 50}
    with pytest.raises(RulePackError, match="other"):
        parse_pack(pack({**RULE, "profile_limits": {"other": "long"}}))
