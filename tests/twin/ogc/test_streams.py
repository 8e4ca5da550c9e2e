"""Streams of very many features: whole where they are asked for whole, and no harm to others where
their clients read slowly or not at all."""

from __future__ import annotations

import html
import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from models.db.embedded import EmbeddedPostgres
from models.db.provision import create_database
from models.db.testing import ask, do, until
from tests.twin.ogc.city import TWIN, City, fill
from twin.api.ogc import answers
from twin.settings import Settings
from twin.testing import application

ITEMS = f"/ogc/{TWIN}/collections/buildings/items"
COUNT = 10_500
#: Buildings of 2 kB: more than networks hold on their way.
MORE = f"""
INSERT INTO building (id, key, attrs, geom, dataset_id, revision_id, file_id, content_sha,
                      valid_from, tx_from)
SELECT gen_random_uuid(), 'X' || i, jsonb_build_object('k', repeat('x', 2000)), b.geom,
  b.dataset_id, b.revision_id, b.file_id, b.content_sha, b.valid_from, b.tx_from
FROM (SELECT b.* FROM building AS b JOIN dataset AS d ON d.id = b.dataset_id
      WHERE d.twin_id = '{TWIN}' AND b.key = 'B0') AS b, generate_series(1, {COUNT}) AS i
"""
COPYING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY%'
"""
READING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'twin-api' AND state <> 'idle'
"""


@pytest.fixture(scope="module")
def large(cluster: EmbeddedPostgres, short_folder: Path) -> Iterator[City]:
    """A city with very many buildings."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    tables = fill(url)
    do(url, MORE)
    do(url, "ANALYZE building")
    home = short_folder / "large"
    with application(Settings(home=home), url) as address:
        yield City(address, url, home, tables)


@contextmanager
def asking(
    city: City, clients: int, buffer: int = 1 << 14, format_: str = "csv"
) -> Iterator[list[socket.socket]]:
    """Clients that ask for a stream and have not read of it yet."""
    host, port = city.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        found = []
        for _ in range(clients):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            client.settimeout(20)
            client.connect((host, int(port)))
            client.sendall(f"GET {ITEMS}?f={format_} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            found.append(client)
        yield found


def copying(city: City) -> int:
    return int(ask(city.database, COPYING))


def test_clients_that_do_not_read_leave_connections_to_others(large: City) -> None:
    with asking(large, 8):
        until(lambda: copying(large) >= 3, seconds=8)
        for path in (ITEMS, f"{ITEMS}?sortby=key", f"/ogc/{TWIN}/collections", f"/twins/{TWIN}"):
            assert httpx.get(f"{large.url}{path}", timeout=8).status_code == 200
        assert copying(large) == 3
    until(lambda: copying(large) == 0, seconds=8)


def test_one_who_reads_no_further_is_left(large: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PATIENCE", 0.5)
    with asking(large, 3):
        until(lambda: copying(large) == 3, seconds=8)
        answer = httpx.get(f"{large.url}{ITEMS}", params={"f": "csv", "limit": 3}, timeout=20)
        assert answer.status_code == 200
        until(lambda: copying(large) == 0, seconds=8)


def test_one_who_reads_slowly_gets_all(large: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PATIENCE", 1.0)
    size, last = 0, b""
    with asking(large, 1, 1 << 18) as (client,):
        while not last.endswith(b"\r\n0\r\n\r\n"):
            part = client.recv(1 << 18)
            assert part, "the stream was broken off"
            size, last = size + len(part), (last + part)[-7:]
            time.sleep(len(part) / 7e6)  # three seconds for all
    assert size > 2_000 * COUNT


def test_json_fg_comes_whole_and_ends_with_its_client(large: City) -> None:
    given = {"f": "jsonfgseq", "properties": ""}
    with httpx.stream("GET", f"{large.url}{ITEMS}", params=given, timeout=60) as whole:
        assert sum(part.count(b"\x1e") for part in whole.iter_bytes()) == COUNT + 63
    with asking(large, 1, format_="jsonfgseq") as (client,):
        assert client.recv(1 << 14).startswith(b"HTTP/1.1 200")
        assert int(ask(large.database, READING)) == 1  # more is to come
    until(lambda: int(ask(large.database, READING)) == 0, seconds=8)


def test_a_page_for_people_is_short_and_leads_on(large: City) -> None:
    """However many are asked for: others wait while a long one is made."""
    seen: list[str] = []
    address = f"{large.url}{ITEMS}?f=html&limit=10000&properties=key"
    for _ in range(3):
        page = httpx.get(address, timeout=60).text
        seen += re.findall(r"/items/([0-9a-f-]{36})\?f=html", page)
        (following,) = re.findall(r'<a href="([^"]*)">下一页', page)
        address = html.unescape(following)
    assert len(seen) == len(set(seen)) == 3 * 1_000


def test_a_limit_holds_for_streams_as_it_is_given(large: City) -> None:
    given: dict[str, Any] = {"limit": COUNT - 100, "properties": ""}
    whole = httpx.get(f"{large.url}{ITEMS}", params={**given, "f": "csv"}, timeout=60)
    assert whole.text.count("\n") == 1 + COUNT - 100
    page = httpx.get(f"{large.url}{ITEMS}", params=given, timeout=60).json()
    assert page["numberReturned"] == 10_000
    assert "next" in [link["rel"] for link in page["links"]]
