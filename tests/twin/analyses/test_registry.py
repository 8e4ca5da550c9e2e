"""The list of analyses, their schemas, and what is said of bad requests."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from twin.analyses.errors import BadRequestError, UnknownAnalysisError
from twin.analyses.pipework import Pipework
from twin.analyses.registry import analyses, find

NAMES = {
    "section",
    "profile",
    "horizontal-clearance",
    "vertical-clearance",
    "foundation-clearance",
    "clash",
    "cover",
    "connectivity",
    "trace",
    "source",
    "isolation",
    "buffer",
    "excavation",
    "ducts",
    "flow-direction",
    "ageing",
    "within",
    "nearest",
    "line-of-sight",
    "column",
    "terrain-height",
    "volume-and-area",
    "overlaps",
    "differences",
}


def test_every_analysis_is_there() -> None:
    assert set(analyses()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_it_describes_itself_and_its_example_is_a_request(name: str) -> None:
    told = json.loads(json.dumps(find(name).describe()))
    assert told["title"]["zh"]
    assert told["title"]["en"]
    assert told["description"]
    assert told["request"]["type"] == "object"
    assert told["request"]["additionalProperties"] is False
    assert find(name).parse(told["example"])


@pytest.mark.parametrize(
    "name",
    ["section", "cover", "clash", "foundation-clearance", "buffer", "ageing", "flow-direction"],
)
def test_a_twin_without_pipes_has_empty_answers(name: str) -> None:
    empty = Pipework.of(
        pd.DataFrame(columns=["id", "key", "class_code", "geom"], dtype=object),
        pd.DataFrame(columns=["id", "key", "exp_no", "ground_h", "geom"], dtype=object),
    )
    analysis = find(name)
    document = {k: v for k, v in analysis.example.items() if k not in ("class_code",)}
    answer = analysis.run(empty, analysis.parse(document))
    assert json.dumps(answer.as_dict())
    assert answer.revisions == []


def test_all_faults_at_once_in_both_languages() -> None:
    with pytest.raises(BadRequestError) as raised:
        find("excavation").parse({"depth": -1, "wrong": 1, "slope": "steep"})
    error = raised.value
    assert {fault["where"] for fault in error.errors} == {"polygon", "depth", "slope", "wrong"}
    for word in ("polygon", "depth", "wrong", "slope"):
        assert word in error.en
        assert word in error.zh
    assert "必填" in error.zh
    assert "大于 0" in error.zh


@pytest.mark.parametrize("document", [None, [], "x", 3])
def test_what_is_no_object(document: object) -> None:
    with pytest.raises(BadRequestError):
        find("section").parse(document)


def test_too_many_positions() -> None:
    line = [[float(i), 0.0] for i in range(2001)]
    with pytest.raises(BadRequestError, match="2000") as raised:
        find("section").parse({"line": line})
    assert "2000" in raised.value.zh


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UnknownAnalysisError) as raised:
        find("divination")
    assert "section" in raised.value.en
    assert "divination" in raised.value.zh
