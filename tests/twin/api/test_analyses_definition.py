"""The API definition tells of every analysis what it takes and what it answers, and that is so."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30ReadValidator
from openapi_spec_validator import OpenAPIV30SpecValidator

from twin.testing import Service

#: A place of the samples of Qianwan where several roads' pipes meet (EPSG:4549).
EAST, NORTH = 624_059.5, 3_450_584.6
LINE = [[EAST - 15, NORTH - 20], [EAST + 15, NORTH + 20]]
AREA = [
    [EAST - 60, NORTH - 60],
    [EAST + 60, NORTH - 60],
    [EAST + 60, NORTH + 60],
    [EAST - 60, NORTH + 60],
]
BOX = [EAST - 60, NORTH - 60, -10, EAST + 60, NORTH + 60, 60]
#: A question each, and the list of its answer that is not empty.
QUESTIONS: dict[str, tuple[dict[str, Any], str | None]] = {
    "section": ({"line": LINE}, "pipes"),
    "profile": ({"segments": ["{rain}"], "crossings": True}, "segments"),
    "horizontal-clearance": ({"polygon": AREA}, "pairs"),
    "vertical-clearance": ({"polygon": AREA}, "pairs"),
    "clash": ({"polygon": AREA}, None),
    "foundation-clearance": (
        {"polygon": AREA, "depth": 1.5, "friction": 30, "trench": 1.2},
        "pipes",
    ),
    "cover": ({"polygon": AREA, "surface": "carriageway"}, "segments"),
    "connectivity": ({"segments": ["{rain}"]}, None),
    "trace": ({"segments": ["{rain}"], "direction": "downstream"}, "segments"),
    "source": ({"node": "{manhole}"}, None),
    "isolation": ({"segments": ["{rain}"]}, None),
    "buffer": ({"point": [EAST, NORTH], "distance": 40}, "segments"),
    "excavation": ({"polygon": AREA, "depth": 2.5, "slope": 0.5}, "pipes"),
    "ducts": ({"segments": ["{rain}"]}, "spans"),
    "flow-direction": ({"class_code": "YS"}, "segments"),
    "ageing": ({}, "groups"),
    "within": ({"box": BOX}, "features"),
    "nearest": ({"point": [EAST, NORTH, 2.0], "count": 5}, "features"),
    "line-of-sight": (
        {"start": [EAST - 60, NORTH - 60, 60], "end": [EAST + 60, NORTH + 60, -6]},
        "hits",
    ),
    "column": ({"point": [EAST, NORTH], "radius": 20}, "features"),
    "terrain-height": ({"points": [[EAST, NORTH]]}, "points"),
    "volume-and-area": ({"polygon": AREA}, None),
    "overlaps": (
        {"polygon": AREA, "layer": "pipe-segments", "other": "pipe-points"},
        None,
    ),
    "differences": (
        {"layer": "pipe-segments", "before_as_of": "2001-01-01T00:00:00+08:00", "most": 5},
        "added",
    ),
}


@pytest.fixture(scope="module")
def definition(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{service.url}/api").json()
    return found


@pytest.fixture(scope="module")
def names(service: Service) -> dict[str, str]:
    """A segment of a rain sewer and a manhole of it."""
    items = f"{service.url}/ogc/qianwan/collections/pipe-segments/items"
    first = httpx.get(items, params={"filter": "class_code = 'YS'", "limit": 1}).json()["features"]
    return {"{rain}": first[0]["id"], "{manhole}": first[0]["properties"]["from_point"]}


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def faults(definition: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """What of ``value`` the schema does not allow, as OpenAPI 3.0 has it."""
    validator = OAS30ReadValidator({**schema, "components": definition["components"]})
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(value)]


def test_both_definitions_are_valid_openapi(service: Service, definition: dict[str, Any]) -> None:
    for path in ("/ogc/qianwan/api", "/ogc/songjiang-hub/api"):
        own = httpx.get(service.url + path).json()
        assert not list(OpenAPIV30SpecValidator(own).iter_errors())
        assert not any("/analyses/" in path for path in own["paths"])
        assert "PipeSegment" not in own["components"]["schemas"]
    assert not list(OpenAPIV30SpecValidator(definition).iter_errors())


def test_every_analysis_is_described(service: Service, definition: dict[str, Any]) -> None:
    listed = httpx.get(f"{service.url}/twins/qianwan/analyses").json()["analyses"]
    assert {one["name"] for one in listed} == set(QUESTIONS)
    for one in listed:
        post = definition["paths"][f"/twins/{{twin}}/analyses/{one['name']}"]["post"]
        assert {"200", "400", "404", "406", "413", "503"} <= set(post["responses"])
        assert set(post["responses"]["200"]["content"]) == set(one["media"])
        body = post["requestBody"]["content"]["application/json"]
        assert body["example"] == one["example"]
        assert not faults(definition, body["schema"], one["example"])
        assert faults(definition, body["schema"], {"nonsense": 1})
        assert one["answer"]["required"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers_are_as_described(
    service: Service, definition: dict[str, Any], names: dict[str, str], name: str
) -> None:
    document, listed = QUESTIONS[name]
    asked = {key: filled(value, names) for key, value in document.items()}
    post = definition["paths"][f"/twins/{{twin}}/analyses/{name}"]["post"]
    assert not faults(
        definition, post["requestBody"]["content"]["application/json"]["schema"], asked
    )
    url = f"{service.url}/twins/qianwan/analyses/{name}"
    answer = httpx.post(url, json=asked, timeout=60)
    assert answer.status_code == 200, answer.text
    schema = post["responses"]["200"]["content"]["application/json"]["schema"]
    found = answer.json()
    assert faults(definition, schema, found) == []
    if listed is not None:
        assert found["result"][listed]
    del found["result"]
    assert faults(definition, schema, found)
