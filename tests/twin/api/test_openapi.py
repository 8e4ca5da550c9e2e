"""The description of the service holds to OpenAPI 3.0.3, and the page to its policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from twin import web
from twin.api import openapi
from twin.testing import Service

#: Words of JSON Schema 2020-12 that OpenAPI 3.0 has not, or has with another meaning.
FOREIGN = {"const", "prefixItems", "$defs", "$id", "contentMediaType", "examples"}


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    answer = httpx.get(f"{service.url}/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    found: dict[str, Any] = answer.json()
    return found


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from nodes(item)


def test_version_and_required_members(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.0.3"
    assert document["info"]["title"]
    assert document["info"]["version"]
    wanted = {"/twins", "/twins/{twin}", "/healthz", "/readyz", "/api"}
    assert wanted | {"/tiles/{twin}/{layer}/{name}"} <= set(document["paths"])


def resolve(document: dict[str, Any], reference: str) -> Any:
    assert reference.startswith("#/")
    place: Any = document
    for step in reference.removeprefix("#/").split("/"):
        assert step in place, reference
        place = place[step]
    return place


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in nodes(document) if "$ref" in node]
    assert references
    for reference in references:
        assert resolve(document, reference)


def test_a_problem_is_as_described(document: dict[str, Any], service: Service) -> None:
    answer = httpx.get(f"{service.url}/twins?no=1")
    described = document["paths"]["/twins"]["get"]["responses"][str(answer.status_code)]["content"]
    media = answer.headers["content-type"]
    schema = resolve(document, described[media]["schema"]["$ref"])
    given = answer.json()
    assert set(schema["required"]) <= given.keys() <= schema["properties"].keys()
    kinds = {"string": str, "integer": int}
    for name, value in given.items():
        assert isinstance(value, kinds[schema["properties"][name]["type"]])


class Pipe(BaseModel):
    kind: Literal["pipe"]
    diameter: Annotated[float | None, Field(examples=[0.3])] = None


def test_words_of_json_schema_2020_become_those_of_3_0() -> None:
    app = FastAPI(title="t", version="1")

    @app.get("/pipe")
    def pipe(depth: float | None = None) -> Pipe:
        raise NotImplementedError

    made = openapi.document(app)
    properties = made["components"]["schemas"]["Pipe"]["properties"]
    assert properties["kind"]["enum"] == ["pipe"]
    assert (properties["diameter"]["type"], properties["diameter"]["nullable"]) == ("number", True)
    assert properties["diameter"]["example"] == 0.3
    (parameter,) = made["paths"]["/pipe"]["get"]["parameters"]
    assert (parameter["schema"]["type"], parameter["schema"]["nullable"]) == ("number", True)
    assert not any(FOREIGN & node.keys() for node in nodes(made))


def test_schemas_use_the_words_of_3_0(document: dict[str, Any]) -> None:
    for node in nodes(document):
        assert node.get("type") != "null"
        assert not isinstance(node.get("type"), list)
        assert not isinstance(node.get("exclusiveMinimum"), float)
        assert not FOREIGN & node.keys()


def test_operations(document: dict[str, Any]) -> None:
    seen = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method in {"get", "head", "post", "put", "patch", "delete", "options"}
            assert "422" not in operation["responses"]
            assert operation["summary"]
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
            for parameter in operation.get("parameters", ()):
                assert parameter["schema"]
                assert parameter["required"] or parameter["in"] != "path"


def test_the_page_and_its_policy(service: Service) -> None:
    page = httpx.get(f"{service.url}/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy  # no other host
    assert not re.search(r"(src|href)=[\"']https?://", page.text)
    addresses = re.findall(r"(?:src|href)=[\"'](/static/[^\"']+)", page.text)
    assert "/static/main.js" in addresses
    for address in addresses:
        assert httpx.get(service.url + address).status_code == 200


def test_vendored_files_are_cached_for_ever_and_own_ones_are_not(service: Service) -> None:
    vendor = Path(web.__file__).parent / "vendor"
    file = next(path for path in sorted(vendor.glob("*@*/**/*")) if path.is_file())
    answer = httpx.get(f"{service.url}/static/vendor/{file.relative_to(vendor)}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    own = httpx.get(f"{service.url}/static/index.html")
    assert own.headers["cache-control"] == "public, no-cache"
    assert own.headers["etag"]
