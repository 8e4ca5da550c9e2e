"""The standard's own examples of CQL2 (:file:`standard_examples.json` says where they are from).

Each is there as text and as JSON. Both must be read as the same, and as a filter over properties of
some kinds, unless the example is of what is not offered.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from models.cql2 import FilterError, Kind, NotListedError, parse
from models.cql2.text import to_json

EXAMPLES: dict[str, dict[str, Any]] = {
    one["name"]: one
    for one in json.loads(
        Path(__file__).with_name("standard_examples.json").read_text("utf-8")
    )["examples"]
}  # fmt: skip
#: Functions that are no part of the standard and are not offered.
FUNCTIONS = {
    "clause6_01": "avg", "clause6_02b": "avg", "clause7_18": "Buffer", "example68": "Foo",
    "example69": "Bar",
}  # fmt: skip
#: Rings that cross themselves or do not hold their holes, and lists of values of several kinds.
UNUSABLE = {
    "example46": "touches itself", "example49": "a hole lies outside", "example81": "texts only",
    "example82": "texts only",
}  # fmt: skip
KINDS = [kind for kind in Kind if kind not in (Kind.INTERVAL, Kind.UUID)]


def moments(node: Any) -> Any:
    """The same with moments as such: texts and JSON write their fractions with other digits."""
    if isinstance(node, list):
        return [moments(item) for item in node]
    if isinstance(node, dict):
        return {key: moments(value) for key, value in node.items()}
    if isinstance(node, str) and node.endswith("Z") and node[:4].isdigit():
        return dt.datetime.fromisoformat(node)
    return node


def named(node: Any) -> set[str]:
    """The properties that a filter in JSON names."""
    if isinstance(node, list):
        return {name for item in node for name in named(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["property"]} if isinstance(node.get("property"), str) else set()
    return own | {name for value in node.values() for name in named(value)}


def readings(node: Any) -> Any:
    """What reading ``node`` gives or raises, with its properties of all kinds in turn."""
    properties = sorted(named(node))
    for kinds in itertools.product(KINDS, repeat=len(properties)):
        listed = dict(zip(properties, kinds, strict=True))
        try:
            yield listed, parse(json.dumps(node), listed, language="cql2-json")
        except FilterError as error:
            yield listed, error


def test_all_of_them_are_here() -> None:
    assert len(EXAMPLES) == 109
    assert sum(len(one["text"]) for one in EXAMPLES.values()) == 120
    assert FUNCTIONS.keys() | UNUSABLE.keys() <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_text_is_read_as_the_json_of_the_same_example(name: str) -> None:
    for text in EXAMPLES[name]["text"]:
        assert moments(to_json(text)) == moments(EXAMPLES[name]["json"])


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in FUNCTIONS | UNUSABLE])
def test_it_is_a_filter_over_properties_of_some_kinds(name: str) -> None:
    one = EXAMPLES[name]
    found = [(k, tree) for k, tree in readings(one["json"]) if not isinstance(tree, FilterError)]
    assert found
    for listed, tree in found:
        assert tree.kind == Kind.BOOLEAN
        for text in one["text"]:
            assert repr(parse(text, listed)) == repr(tree)


@pytest.mark.parametrize("name", [*FUNCTIONS, *UNUSABLE])
def test_what_is_not_offered_is_refused_with_its_reason(name: str) -> None:
    errors = [error for _, error in readings(EXAMPLES[name]["json"])]
    assert all(isinstance(error, FilterError) for error in errors)
    if name in FUNCTIONS:
        refused = [error for error in errors if isinstance(error, NotListedError)]
        assert any((e.kind, e.name) == ("function", FUNCTIONS[name]) for e in refused)
    else:
        assert any(UNUSABLE[name] in error.en for error in errors)
