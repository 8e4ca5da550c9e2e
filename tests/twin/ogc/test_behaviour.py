"""How the addresses behave towards caches, impatient clients, other sites and attackers."""

from __future__ import annotations

import gzip
import json
import socket
import time
import urllib.request
from typing import Any

import httpx
import pytest
import structlog
import zstandard

from models.db.testing import locked, until, waiting
from tests.twin.ogc.city import TWIN, City
from twin.settings import Settings
from twin.testing import application

ITEMS = "/collections/buildings/items"


def raw(client: httpx.Client, path: str, **headers: str) -> tuple[Any, bytes]:
    """An answer as it came over the wire."""
    request = urllib.request.Request(f"{str(client.base_url).rstrip('/')}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, answer.read()


@pytest.mark.parametrize(
    "path", [f"{ITEMS}?{query}" for query in ("limit=50", "f=csv", "f=geojsonseq", "f=jsonfgseq")]
)
def test_answers_are_compressed_as_the_client_likes(client: httpx.Client, path: str) -> None:
    headers, plain = raw(client, path, **{"Accept-Encoding": "identity"})
    assert headers["content-encoding"] is None
    assert "Accept-Encoding" in headers["vary"]

    def told(data: bytes) -> bytes:
        found = data.partition(b'"timeStamp"')[0]
        return found.partition(b'"links"')[0]

    for how, unpack in (
        ("gzip", gzip.decompress),
        ("zstd", lambda d: zstandard.ZstdDecompressor().decompressobj().decompress(d)),
    ):
        headers, packed = raw(client, path, **{"Accept-Encoding": how})
        assert headers["content-encoding"] == how
        assert len(packed) < len(plain) / 2
        assert told(unpack(packed)) == told(plain)
    for accepted, used in (
        ("gzip;q=0, zstd;q=0", None),
        ("zstd;q=0.5, gzip;q=0.9", "gzip"),
        ("gzip;q=0.5, zstd", "zstd"),
        ("zstd;q=0, *;q=0.1", "gzip"),
        ("identity, gzip;q=0.2", None),
        ("br, *;q=0", None),
    ):
        headers, _ = raw(client, path, **{"Accept-Encoding": accepted})
        assert headers["content-encoding"] == used, accepted


@pytest.mark.parametrize(
    "path", [ITEMS, f"{ITEMS}?f=html", f"{ITEMS}?bbox=121,30,122,32", "/collections",
             "/collections/buildings"]
)  # fmt: skip
def test_what_did_not_change_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    same = client.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == tag
    assert "no-cache" in first.headers["cache-control"]
    other = client.get(f"{ITEMS}?limit=3", headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_the_viewer_is_not_sent_again(city: City) -> None:
    page = httpx.get(city.url)
    assert page.status_code == 200
    same = httpx.get(city.url, headers={"If-None-Match": page.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    for name in ("etag", "cache-control", "content-security-policy"):
        assert same.headers[name] == page.headers[name]


@pytest.mark.parametrize("path", ["", "/collections", ITEMS, f"{ITEMS}?f=fgb", "/conformance"])
def test_head_is_get_without_a_body(client: httpx.Client, path: str) -> None:
    head, whole = client.head(path), client.get(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    ["/twins", f"/twins/{TWIN}", "/healthz", "/readyz", "/api", f"/twins/{TWIN}/places?q=lu",
     f"/twins/{TWIN}/analyses", f"/ogc/{TWIN}/collections3d", f"/ogc/{TWIN}/tiles",
     f"/ogc/{TWIN}/tiles/WebMercatorQuad/tilejson", f"/ogc/{TWIN}/styles", "/twins/atlantis",
     f"/ogc/{TWIN}/collections/datasets/items", "/twins?x=1", "/nowhere", "/"],
)  # fmt: skip
def test_every_address_that_takes_get_takes_head(city: City, path: str) -> None:
    names = ("content-type", "etag", "cache-control", "content-encoding")
    # a time of day takes the same room in each text, not when it is compressed
    for coding, same in (("gzip", names), ("identity", (*names, "content-length"))):
        headers = {"Accept-Encoding": coding}
        with httpx.Client(base_url=city.url, timeout=60, headers=headers) as client:
            head, whole = client.head(path), client.get(path)
        assert head.status_code == whole.status_code
        assert head.content == b""
        for name in same:
            assert head.headers.get(name) == whole.headers.get(name), name


def test_head_is_not_offered_where_there_is_no_get(city: City) -> None:
    assert httpx.head(f"{city.url}/twins/{TWIN}/analyses/section").status_code in (404, 405)
    paths = httpx.get(f"{city.url}/api").json()["paths"]
    assert not any("head" in operations for operations in paths.values())


@pytest.mark.parametrize(
    "path",
    [ITEMS, "/collections/datasets/items", "/tiles/WebMercatorQuad",
     "/collections/buildings/tiles/WebMercatorQuad/tilejson"],
)  # fmt: skip
def test_days_at_the_ends_of_the_calendar(client: httpx.Client, path: str) -> None:
    """The first day begins, in China, before what has a date elsewhere; the last day has an end."""
    first = client.get(path, params={"datetime": "0001-01-01"})
    assert first.status_code == 400
    assert first.json()["detail"].startswith("datetime: found '0001-01-01'")
    for end in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert end in first.json()["detail"]
        assert end in first.json()["detail_zh"]
        assert client.get(path, params={"datetime": end}).status_code == 200
    for text in ("0000-06-01", "9999-12-31T23:59:59-05:00", "0001-01-01/2020-01-01"):
        beyond = client.get(path, params={"datetime": text})
        assert beyond.status_code == 400
        assert "0001-01-01T00:00:00Z" in beyond.json()["detail"]
    for text in ("9999-12-31", "0001-01-02/9999-12-31"):
        assert client.get(path, params={"datetime": text}).status_code == 200, text


def test_nothing_but_reading(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, ITEMS).status_code == 405


def test_pages_of_other_sites_may_read(client: httpx.Client) -> None:
    answer = client.get(ITEMS, headers={"Origin": "https://maps.example"})
    assert answer.headers["access-control-allow-origin"] in ("*", "https://maps.example")
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"content-crs", "link", "etag"} <= {name.strip() for name in exposed.split(",")}


def test_only_what_there_is_can_be_accepted(client: httpx.Client) -> None:
    answer = client.get(ITEMS, headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert "application/geo+json" in answer.json()["detail"]
    for accept, media in (
        ("application/flatgeobuf", "application/flatgeobuf"),
        ("application/json", "application/geo+json"),
        ("text/csv;q=0.9, application/vnd.ogc.fg+json", "application/vnd.ogc.fg+json"),
        ("*/*", "application/geo+json"),
    ):
        found = client.get(ITEMS, headers={"Accept": accept}).headers["content-type"]
        assert found.partition(";")[0] == media


@pytest.mark.parametrize("query", ["", "?f=csv", "?f=parquet", "?counts=true"])
def test_a_client_that_goes_away_ends_its_query(city: City, query: str) -> None:
    host, port = city.url.removeprefix("http://").split(":")
    with locked(city.database, "building"):
        with socket.create_connection((host, int(port))) as client:
            path = f"/ogc/{TWIN}/collections/buildings/items{query}"
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            until(lambda: waiting(city.database) == 1)
        until(lambda: waiting(city.database) == 0, seconds=8)  # the limit of statements is 10 s


@pytest.mark.parametrize("query", ["", "?f=csv", "?f=jsonfg", "?f=jsonfgseq", "?f=html"])
def test_a_query_that_takes_too_long_is_told_to_come_again(city: City, query: str) -> None:
    settings = Settings(home=city.home, statement_timeout=0.3)
    with application(settings, city.database) as address, locked(city.database, "building"):
        answer = httpx.get(f"{address}/ogc/{TWIN}/collections/buildings/items{query}")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"
    assert "canceling" not in answer.text


@pytest.mark.parametrize(
    "text",
    ["pg_sleep(5) IS NULL", "source_geom IS NULL", "version() = 'x'", '"id; SELECT 1" = 1'],
)
def test_an_attempt_to_reach_further_is_refused_and_logged(client: httpx.Client, text: str) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = client.get(ITEMS, params={"filter": text})
    assert answer.status_code == 400
    assert answer.json()["code"] == "CQL2-02"
    (line,) = [entry for entry in logs if entry["event"] == "refused"]
    assert line["log_level"] == "warning"
    assert line["name"] in text
    assert line["path"].endswith(ITEMS)


@pytest.mark.parametrize(
    "path",
    ["/collections/datasets/items", f"/../../tiles/{TWIN}/buildings/tileset.json"],
)
def test_everything_that_takes_a_filter_logs_such_attempts(client: httpx.Client, path: str) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = client.get(path, params={"filter": "pg_sleep(5) = 1"})
    assert answer.status_code == 400, answer.text
    (line,) = [entry for entry in logs if entry["event"] == "refused"]
    assert (line["kind"], line["name"]) == ("function", "pg_sleep")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/collections/pg_authid/items", "pg_authid"),
        ("/collections/bim_mesh", "bim_mesh"),
        ("/collections/alembic_version/tiles", "alembic_version"),
        (f"{ITEMS}?properties=name,geom", "geom"),
        (f"{ITEMS}?sortby=content_sha", "content_sha"),
        ("/collections/datasets/items?sortby=password", "password"),
    ],
)
def test_tables_and_columns_that_nobody_listed_are_refused_and_logged(
    client: httpx.Client, path: str, name: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = client.get(path)
    assert answer.status_code == (400 if "?" in path else 404), answer.text
    assert name in answer.json()["detail"]
    (line,) = [entry for entry in logs if entry["event"] == "refused"]
    assert (line["log_level"], line["name"]) == ("warning", name)


@pytest.mark.parametrize(
    "value",
    ["'; DROP TABLE building; --", "x' OR '1'='1", "\\'; SELECT pg_sleep(9); --", "%", "$1", "{}"],
)
def test_texts_of_clients_are_data(client: httpx.Client, value: str) -> None:
    quoted = value.replace("\\", "").replace("'", "''")
    answer = client.get(ITEMS, params={"filter": f"name = '{quoted}'"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["numberReturned"] == 0
    node = {"op": "=", "args": [{"property": "name"}, value]}
    given = {"filter": json.dumps(node), "filter-lang": "cql2-json"}
    assert client.get(ITEMS, params=given).json()["numberReturned"] == 0
    for name in ("sortby", "properties", "f", "crs", "next", "datetime", "limit"):
        assert client.get(ITEMS, params={name: value}).status_code == 400


def test_hostile_filters_cost_little(client: httpx.Client) -> None:
    hostile = ["(" * 3_000, "NOT " * 3_000 + "true", "a=" * 3_000, "-" * 3_000, "f(" * 3_000,
               "name LIKE '" + "%a" * 500 + "'", "'" * 3_001]  # fmt: skip
    for text in hostile:
        started = time.monotonic()
        answer = client.get(ITEMS, params={"filter": text})
        assert answer.status_code in (200, 400)
        assert time.monotonic() - started < 20
