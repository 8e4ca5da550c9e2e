"""The description of the service holds to OpenAPI 3.0.3, and the page to its policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from twin import web
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


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    for node in nodes(document):
        if "$ref" in node:
            place: Any = document
            for step in node["$ref"].removeprefix("#/").split("/"):
                place = place[step]


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
    for address in re.findall(r"(?:src|href)=[\"'](/static/[^\"']+)", page.text):
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
