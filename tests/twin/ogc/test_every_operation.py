"""What holds for every operation of the API definition, whatever it answers."""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
import zstandard

from tests.twin.ogc.city import TWIN, City, centre
from twin.settings import Settings
from twin.testing import application

#: Files: clients add `?v=…` against caches, and Cesium sends a tileset's query with its contents.
FILES = ("/tiles/", "/terrain/")
PATH_VALUES = {
    "twin": TWIN,
    "collection": "buildings",
    "collectionId": "buildings",
    "tms": "WebMercatorQuad",
    "theme": "pipes",
    "zoom": "12",
    "row": "1665",
    "col": "3429",
    "container": "buildings",
    "layer": "buildings",
    "name": "tileset.json",
}
#: Values of parameters that must be given.
NEEDED = {"q": "楼", "lon": "121.23", "lat": "30.99", "address": "沪松公路1399弄23号"}
HOSTILE = (
    "'", '";--', "\0", "%", "../../etc/passwd", "1e999", "9" * 400, "(" * 2_000,
    '{"op":"not","args":[' * 300, "\u202e\U0001f600", "NaN", "", "1,2,3,4,5",
    "\r\nX-Injected: 1",
)  # fmt: skip
RAW = ("%ff%fe", "%ed%a0%80", "%00")
#: What only a database, a driver or a program of ours would say.
LEAKS = re.compile(
    r"asyncpg|psycopg|postgres|sqlstate|syntax error|relation \"|pg_|Traceback|\.py\b|"
    r"SELECT |ST_|twin_read|invalid byte sequence|violates",
    re.IGNORECASE,
)


class Operation(NamedTuple):
    """An address with its parameters filled in; ``parameters`` are those of its query."""

    method: str
    path: str
    template: str
    parameters: dict[str, dict[str, Any]]

    @property
    def query(self) -> dict[str, str]:
        """What must be given."""
        return {
            name: NEEDED.get(name, "1")
            for name, one in self.parameters.items()
            if one.get("required")
        }


def operations(definition: dict[str, Any], prefix: str, twin: str = TWIN) -> Iterator[Operation]:
    shared = definition["components"].get("parameters", {})
    for template, methods in definition["paths"].items():
        for method, operation in methods.items():
            told = [
                shared[one["$ref"].rsplit("/", 1)[-1]] if "$ref" in one else one
                for one in operation.get("parameters", ())
            ]
            path = template
            for one in told:
                if one["in"] == "path":
                    value = PATH_VALUES.get(one["name"], str(uuid.UUID(int=1)))
                    path = path.replace(
                        f"{{{one['name']}}}", twin if one["name"] == "twin" else value
                    )
            query = {one["name"]: one for one in told if one["in"] == "query"}
            yield Operation(method.upper(), prefix + path, template, query)


@pytest.fixture(scope="module")
def every(city: City) -> list[Operation]:
    """All of the service's operations, and those of features, which a twin's definition has."""
    whole = httpx.get(f"{city.url}/api").json()
    own = httpx.get(f"{city.root}/api").json()
    found = [*operations(whole, ""), *operations(own, f"/ogc/{TWIN}")]
    assert len(found) > 90
    return list({(one.method, one.path): one for one in found}.values())


@pytest.fixture(scope="module")
def http(city: City) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=city.url, timeout=60) as client:
        yield client


def ask(http: httpx.Client, one: Operation, **query: str) -> httpx.Response:
    body = {"json": {}} if one.method == "POST" else {}
    return http.request(one.method, one.path, params={**one.query, **query}, **body)


def is_problem(answer: httpx.Response, status: int | None = None) -> dict[str, Any]:
    """The problem document (RFC 9457 section 3), which tells both languages."""
    assert status is None or answer.status_code == status, (answer.url, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json", answer.url
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["title"]
    assert found["type"] == "about:blank"
    assert found["instance"] == answer.url.path
    assert re.search("[a-z]", found["detail"]), answer.url
    assert re.search("[\u4e00-\u9fff]", found["detail_zh"]), answer.url
    assert not LEAKS.search(found["detail"]), found["detail"]
    return found


def test_an_unknown_parameter_is_refused_with_those_there_are(
    http: httpx.Client, every: list[Operation]
) -> None:
    for one in every:
        if one.path.startswith(FILES):
            continue
        found = is_problem(ask(http, one, nonsense="1"), 400)
        assert "nonsense" in found["detail"]
        for name in one.parameters:
            assert name in found["detail"], (one.path, name)
            assert name in found["detail_zh"], (one.path, name)


def wrong(schema: dict[str, Any]) -> str | None:
    """A value that the schema forbids, None where there is none."""
    if schema.get("type") == "array":
        return wrong(schema["items"])
    if "enum" in schema or "pattern" in schema or schema.get("format") == "uuid":
        return "%%%"
    if schema.get("type") in ("integer", "number", "boolean"):
        return "x"
    return "x" * (schema["maxLength"] + 1) if "maxLength" in schema else None


def test_a_bad_value_is_refused_with_what_is_allowed(
    http: httpx.Client, every: list[Operation]
) -> None:
    seen = 0
    for one in every:
        for name, parameter in one.parameters.items():
            value = wrong(parameter["schema"])
            # a right and a version are opaque; words are searched for whatever they are
            if value is None or name in ("right", "v", "q") or one.path.startswith(FILES):
                continue
            more = {"filter": "true"} if name.startswith("filter-") else {}
            found = is_problem(ask(http, one, **{**more, name: value}), 400)
            assert name in found["detail"], (one.path, name, found["detail"])
            seen += 1
    assert seen > 100


def test_what_must_be_given_is_asked_for(http: httpx.Client, every: list[Operation]) -> None:
    bare = [one for one in every if one.query]
    assert {name for one in bare for name in one.query} == set(NEEDED)
    for one in bare:
        found = is_problem(http.get(one.path), 400)
        for name in one.query:
            assert name in found["detail"]


def test_an_unknown_twin_is_not_there(city: City, http: httpx.Client) -> None:
    whole = http.get("/api").json()
    mine = [one for one in operations(whole, "", "atlantis") if "{twin}" in one.template]
    own = [
        Operation("GET", f"/ogc/atlantis{path}", "", {})
        for path in ("", "/conformance", "/api", "/collections", "/collections/buildings",
                     "/collections/buildings/items", "/collections/buildings/schema")
    ]  # fmt: skip
    for one in (*mine, *own):
        found = is_problem(ask(http, one), 404)
        assert "atlantis" in found["detail"], one.path


def test_what_is_not_there_is_told(http: httpx.Client, every: list[Operation]) -> None:
    is_problem(http.get("/nonsense"), 404)
    is_problem(http.get(f"/ogc/{TWIN}/nonsense"), 404)
    for one in every:
        names = [n for n in re.findall(r"{(\w+)}", one.template) if n != "twin"]
        if not names or one.path.startswith("/terrain/"):
            continue
        last = one.path.rstrip("/").split("/")
        place = [f"{{{names[-1]}}}" in part for part in one.template.split("/")].index(True)
        skip = len(one.path.split("/")) - len(one.template.split("/"))
        last[place + skip] = "nonsense"
        answer = http.request(one.method, "/".join(last), params=one.query)
        # rows and columns are numbers and ids are UUIDs: what is neither is a bad parameter
        is_problem(answer)
        assert answer.status_code in (400, 404), answer.url


def test_hostile_values_are_answered_without_a_word_of_the_database(
    http: httpx.Client, every: list[Operation]
) -> None:
    seen = set()
    for one in every:
        needed = "".join(f"&{k}={quote(v)}" for k, v in one.query.items())
        for name in one.parameters:
            # what reads a parameter of that name there is the same function
            kind = (name, one.path.split("/")[1], "/datasets" in one.path, "/tiles" in one.path)
            if kind in seen:
                continue
            seen.add(kind)
            for value in HOSTILE:
                unhurt(ask(http, one, **{name: value}), one, name, value)
            for value in RAW:
                answer = http.request(one.method, f"{one.path}?{name}={value}{needed}")
                unhurt(answer, one, name, value)
        if re.search(r"/collections/(building-parts|bim-|pipe-)", one.path):
            continue  # those of one collection stand for the others
        parts = one.path.split("/")
        for place in range(2, len(parts)):
            for value in ("'", "%00", "%ff%fe", "9" * 300):
                path = "/".join([*parts[:place], value, *parts[place + 1 :]])
                unhurt(http.request(one.method, path, params=one.query), one, path, value)


def unhurt(answer: httpx.Response, one: Operation, name: str, value: str) -> None:
    """It is answered, or refused with a problem document that says nothing of what is inside."""
    where = (one.path, name, value[:60], answer.status_code, answer.text[:300])
    assert answer.status_code < 500, where
    assert "x-injected" not in answer.headers, where
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", where
        assert not LEAKS.search(answer.json()["detail"].replace(value, "")), where


def test_hostile_bodies_are_refused(city: City, every: list[Operation]) -> None:
    bodies = (b"'", b"\0", b"\xff\xfe", b"[" * 50_000, b'{"line":' * 5_000, b"9" * 5_000,
              b'{"' + b"a" * 100_000 + b'":1}', b"null", b"[]", b'"x"',
              b'{"segments": ["\'; DROP TABLE x; --"]}')  # fmt: skip
    # by a service of its own: it keeps the pipes that it has read in memory
    with (
        application(Settings(home=city.home), city.database) as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        for one in every:
            if one.method == "POST":
                for body in bodies:
                    answer = http.post(one.path, content=body)
                    is_problem(answer, 400)
                    assert len(answer.content) < 20_000
        large = {"polygon": [[621_000 + i, 3_431_000 + i % 7] for i in range(2_001)]}
        answer = http.post(f"/twins/{TWIN}/analyses/volume-and-area", json=large)
        assert "2000" in is_problem(answer, 400)["detail"]


def test_pages_of_other_sites_may_ask_and_see_what_is_wrong(http: httpx.Client) -> None:
    there = {"Origin": "https://maps.example"}
    asked = {
        **there,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = http.options(f"/twins/{TWIN}/analyses/ageing", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] in ("*", there["Origin"])
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers
    for path in ("/twins", "/twins/atlantis", f"/ogc/{TWIN}?nonsense=1", "/nonsense"):
        found = http.get(path, headers=there)
        assert found.headers["access-control-allow-origin"] in ("*", there["Origin"])


def test_only_named_sites_where_they_are_named(city: City) -> None:
    named = Settings(home=city.home, cors_origins=["https://a.example"])
    with application(named, city.database) as address:
        for origin, allowed in (("https://a.example", True), ("https://b.example", False)):
            headers = httpx.get(f"{address}/healthz", headers={"Origin": origin}).headers
            assert ("access-control-allow-origin" in headers) == allowed


def test_every_document_has_a_validator_and_is_compressed(
    http: httpx.Client, every: list[Operation]
) -> None:
    large = 0
    for one in every:
        if one.method != "GET":
            continue
        plain = http.get(one.path, params=one.query, headers={"Accept-Encoding": "identity"})
        if plain.status_code != 200:  # nothing is tiled here, nor kept
            assert plain.status_code in (204, 404) or one.path == "/readyz", one.path
            continue
        tag = plain.headers.get("etag")
        assert tag, one.path
        assert plain.headers["cache-control"], one.path
        assert "accept-encoding" in plain.headers["vary"].lower(), one.path
        if "/items" in one.path and '"timeStamp"' in plain.text:
            continue  # those have tests of their own
        known = {"If-None-Match": tag, "Accept-Encoding": "identity"}
        same = http.get(one.path, params=one.query, headers=known)
        assert (same.status_code, same.content) == (304, b""), one.path
        assert same.headers["etag"] == tag
        other = http.get(one.path, params=one.query, headers={"If-None-Match": '"other"'})
        assert other.status_code == 200
        if len(plain.content) < 2_000:
            continue
        large += 1
        for how, unpack in (
            ("gzip", gzip.decompress),
            ("zstd", lambda d: zstandard.ZstdDecompressor().decompressobj().decompress(d)),
        ):
            with http.stream("GET", one.path, params=one.query,
                             headers={"Accept-Encoding": how}) as answer:  # fmt: skip
                packed = b"".join(answer.iter_raw())
            if answer.headers.get("content-encoding") != how:
                assert (one.path.startswith("/tiles") or "/tiles/" in one.path) and how == "zstd"
                continue
            assert len(packed) < len(plain.content)
            assert unpack(packed) == plain.content, one.path
    assert large > 10


def test_answers_of_analyses_are_compressed(http: httpx.Client) -> None:
    east, north = centre(TWIN)
    asked = {"box": [east - 10, north - 10, -50, east + 400, north + 400, 100]}
    for how in ("identity", "gzip", "zstd"):
        headers = {"Accept-Encoding": how}
        answer = http.post(f"/twins/{TWIN}/analyses/within", json=asked, headers=headers)
        assert answer.headers.get("content-encoding", "identity") == how
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert answer.json()["result"]["count"] > 60
