"""Pages hold together: nothing twice, nothing missed, whatever is published meanwhile."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import orjson
import pandas as pd
import pytest

from models.db import twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.db.testing import do, until, waiting
from models.features import Theme
from models.testing import delivery
from models.twins import load_twins
from tests.twin.ogc.city import TWIN, buildings
from twin.api.ogc import reading
from twin.settings import Settings
from twin.testing import application


@pytest.fixture
def place(database: str, short_folder: Path) -> Iterator[tuple[str, str]]:
    """Address of a twin's items and the URL of its database, which a test may publish into."""
    with connect(database) as conn:
        twins.sync(conn, load_twins(None).values())
    settings = Settings(home=short_folder / uuid.uuid4().hex[:8])
    with application(settings, database) as address:
        yield f"{address}/ogc/{TWIN}/collections/buildings/items", database


def put(url: str, columns: int, rows: int, since: date | None = None, height: float = 0) -> None:
    table = buildings(TWIN, columns, rows)
    table["height"] = table["height"] + height
    with connect(url) as conn:
        store(conn, table, since)


def store(conn: Connection, table: pd.DataFrame, since: date | None = None) -> None:
    made = delivery(Theme.BUILDINGS, {"building": table}, valid_from=since)
    publish(conn, twin=TWIN, dataset="blocks", deliveries=[made])


def follow(address: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
    answer = httpx.get(address, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        found = answer.json()
        yield found["features"]
        following = [link["href"] for link in found["links"] if link["rel"] == "next"]
        if not following:
            return
        answer = httpx.get(following[0])


def test_pages_hold_together_however_each_is_found(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the place, or in the order of an index, where statistics change between two pages."""
    address, url = place
    put(url, 6, 5)
    found: list[str] = []
    for number, features in enumerate(follow(address, bbox="121,30,122,32", limit=7)):
        monkeypatch.setattr(reading, "MOST_GATHERED", -1 if number % 2 else 1_000)
        found += [feature["id"] for feature in features]
    whole = httpx.get(address, params={"limit": 100}).json()["features"]
    assert found == [feature["id"] for feature in whole]
    assert len(found) == 30


@pytest.mark.parametrize(
    "parameters",
    [
        {}, {"sortby": "-storeys,name"}, {"sortby": "valid_from,-height"}, {"sortby": "id"},
        {"filter": "height > 5"}, {"bbox": "121,30,122,32"}, {"f": "jsonfg"},
        {"crs": "http://www.opengis.net/def/crs/OGC/0/CRS84h"},
        {"bbox": "121,30,122,32", "sortby": "-height"}, {"datetime": "2020-02-01/.."},
    ],
)  # fmt: skip
def test_all_pages_are_the_whole_in_its_order(
    client: httpx.Client, parameters: dict[str, str]
) -> None:
    address = f"{client.base_url}collections/buildings/items"
    whole = [f["id"] for f in httpx.get(address, params={"limit": 100, **parameters}).json()[
        "features"]]  # fmt: skip
    pages = list(follow(address, limit=7, **parameters))
    assert [f["id"] for page in pages for f in page] == whole
    assert all(len(page) == 7 for page in pages[:-1])
    assert pages[-1]


@pytest.mark.parametrize("sort", [{}, {"sortby": "-height,key"}])
@pytest.mark.parametrize("place_", [{}, {"bbox": "121,30,122,32"}])
def test_publishing_between_pages_changes_nothing_on_them(
    place: tuple[str, str], sort: dict[str, str], place_: dict[str, str]
) -> None:
    address, url = place
    put(url, 6, 5, date(2020, 1, 1))
    given = {"limit": 7, **sort, **place_}
    before = [f for page in follow(address, **given) for f in page]
    assert len(before) == 30
    seen: list[dict[str, Any]] = []
    for number, page in enumerate(follow(address, **given)):
        seen += page
        # at times fewer, at times more, always other heights, from another day on
        put(url, 3 + number, 4, date(2021, 1, 1 + number), height=0.5 * (number + 1))
    assert [f["id"] for f in seen] == [f["id"] for f in before]
    assert [f["properties"]["height"] for f in seen] == [f["properties"]["height"] for f in before]
    now = [f["id"] for page in follow(address, **given) for f in page]
    assert len(now) == 28


@pytest.mark.parametrize("sort", ["key", "-height", "-name"])
def test_links_of_sorted_pages_hold_however_much_is_published(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    address, url = place
    put(url, 6, 5, date(2020, 1, 1))
    given = {"limit": 7, "sortby": sort}
    before = [f for page in follow(address, **given) for f in page]
    seen: list[dict[str, Any]] = []
    for number, page in enumerate(follow(address, **given)):
        # now there are more than may be sorted, and all that were there are closed
        monkeypatch.setattr(reading, "MOST_SORTED", 5)
        seen += page
        put(url, 6, 6, date(2020, 1, 1), height=number + 1)
        do(url, "ANALYZE building")
    assert seen == before


def test_an_earlier_record_is_sorted_where_little_changed_since(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, url = place
    put(url, 6, 5, date(2020, 1, 1))
    before = httpx.get(address, params={"sortby": "-key", "limit": 100}).json()["features"]
    given = {"sortby": "-key", "limit": 100, "as-of": before[0]["properties"]["tx_from"]}
    changed = buildings(TWIN, 6, 5)
    changed["height"] += changed["key"] == "B3"
    with connect(url) as conn:
        store(conn, changed, date(2020, 1, 1))
    do(url, "ANALYZE building")
    monkeypatch.setattr(reading, "MOST_SORTED", 5)
    (found,) = follow(address, **given)
    assert found == before
    put(url, 6, 5, date(2020, 1, 1), height=9)
    do(url, "ANALYZE building")
    refused = httpx.get(address, params=given)
    assert (refused.status_code, refused.json()["detail"][:7]) == (400, "sortby:")


@pytest.mark.parametrize("format_", ["json", "jsonfg"])
def test_a_page_and_what_it_says_of_itself_are_of_one_state(
    place: tuple[str, str], format_: str
) -> None:
    address, url = place
    put(url, 6, 5, date(2020, 1, 1))
    given: dict[str, Any] = {"limit": 7, "f": format_, "counts": "true"}
    before = httpx.get(address, params=given)
    whole = [f for page in follow(address, **given) for f in page]
    with ThreadPoolExecutor(1) as others:
        with connect(url) as conn, conn.transaction():
            conn.execute("LOCK TABLE building IN ACCESS EXCLUSIVE MODE")
            asked = others.submit(httpx.get, address, params=given, timeout=30)
            until(lambda: waiting(url) == 1, seconds=8)  # the state is read, the page is not
            store(conn, buildings(TWIN, 3, 4).assign(height=99.0), date(2021, 1, 1))
        answer = asked.result()
    assert answer.headers["etag"] == before.headers["etag"]
    found = answer.json()
    assert found["numberMatched"] == 30
    (following,) = [link["href"] for link in found["links"] if link["rel"] == "next"]
    rest = [f for page in follow(address, **httpx.URL(following).params) for f in page]
    assert found["features"] + rest == whole
    now = httpx.get(address, params=given, headers={"If-None-Match": answer.headers["etag"]})
    assert (now.status_code, now.json()["numberMatched"]) == (200, 12)


def test_each_feature_once_in_a_period(place: tuple[str, str]) -> None:
    address, url = place
    for year in (2020, 2021, 2022):
        put(url, 2, 1, date(year, 1, 1), height=year - 2020)
    heights = {
        "2020-06-01/2020-07-01": {3, 6},
        "2020-06-01/2021-07-01": {4, 7},
        "../2021-07-01": {4, 7},
        "2020-06-01/..": {5, 8},
        "2021-06-01": {4, 7},
        "../2019-01-01": set(),
    }
    for period, expected in heights.items():
        (page,) = follow(address, datetime=period)
        assert {f["properties"]["height"] for f in page} == expected
        assert len(page) == len(expected)


def test_what_was_known_then_stays_readable(place: tuple[str, str]) -> None:
    address, url = place
    put(url, 2, 1, date(2020, 1, 1))
    known = httpx.get(address).json()["features"][0]["properties"]["tx_from"]
    put(url, 1, 1, date(2020, 1, 1), height=9)
    (now,) = follow(address)
    (then,) = follow(address, **{"as-of": known})
    (before,) = follow(address, **{"as-of": "2001-01-01"})
    assert [len(now), len(then), len(before)] == [1, 2, 0]
    assert sorted(f["properties"]["height"] for f in then) == [3, 6]


def test_all_that_match_are_counted_on_every_page(client: httpx.Client) -> None:
    given = {"limit": 20, "counts": "true", "filter": "height > 5"}
    answer = client.get("/collections/buildings/items", params=given)
    for _ in range(2):
        found = answer.json()
        assert found["numberMatched"] == 54
        (following,) = [one["href"] for one in found["links"] if one["rel"] == "next"]
        answer = client.get(following)


def test_a_token_serves_its_own_question_only(client: httpx.Client) -> None:
    path = "/collections/buildings/items"
    first = client.get(path, params={"limit": 2, "sortby": "key"}).json()
    (following,) = [one["href"] for one in first["links"] if one["rel"] == "next"]
    token = httpx.URL(following).params["next"]
    assert client.get(path, params={"sortby": "key", "next": token}).status_code == 200
    changed = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    for wrong in ({"next": token}, {"sortby": "-key", "next": token},
                  {"sortby": "key", "filter": "height>1", "next": token},
                  {"sortby": "key", "next": changed}):  # fmt: skip
        answer = client.get(path, params=wrong)
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith("next:")
    other = "/collections/building-parts/items"
    assert client.get(other, params={"sortby": "key", "next": token}).status_code == 404


@pytest.mark.parametrize(
    ("sort", "keys", "moments"),
    [
        ("", [2**63], ()),
        ("", [2.0**70], ()),
        ("", [True], ()),
        ("", ["5"], ()),
        ("", [], ()),
        ("", 5, ()),
        ("", [5], ("2026-01-01T00:00:00",)),
        ("", [5], (None, "2026-01-01")),
        ("", [5], (5,)),
        ("", [5], ("9999-12-31T23:59:59-14:00",)),
        ("", [5], ("0001-01-01T00:00:00+14:00",)),
        ("storeys", ["9" * 20, 5], ()),
        ("storeys", [7, 5], ()),
        ("height", [7.5, 5], ()),
        ("name", ["a\0b", 5], ()),
        ("name", [["a"], 5], ()),
        ("valid_from", ["2020-01-01 00:00:00", 5], ()),
        ("valid_from", ["9999-12-31 23:59:59-14", 5], ()),
        ("id", ["B5", 5], ()),
    ],
)
def test_a_token_that_somebody_made_leads_nowhere(
    client: httpx.Client, sort: str, keys: Any, moments: tuple[Any, ...]
) -> None:
    """Its digest is no secret, so that its content may be anything."""

    def ask(keys: Any, moments: tuple[Any, ...]) -> httpx.Response:
        question = "\n".join([TWIN, "buildings", *[""] * 7, sort])
        data = orjson.dumps([keys, *moments, *[None] * (2 - len(moments))])
        digest = hashlib.blake2b(data + b"\0" + question.encode(), digest_size=9).digest()
        token = base64.urlsafe_b64encode(digest + data).rstrip(b"=").decode()
        given = {"next": token, **({"sortby": sort} if sort else {})}
        return client.get("/collections/buildings/items", params=given)

    assert ask([None, 5] if sort else [5], ("2026-01-01T00:00:00+00:00",)).status_code == 200
    answer = ask(keys, moments)
    assert answer.status_code == 404, answer.text
    assert answer.json()["detail"].startswith("next:")
