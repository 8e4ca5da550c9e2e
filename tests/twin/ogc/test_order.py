"""``sortby`` over HTTP: every order is right page by page, and those that would take long are
refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from models.features import SORTED
from twin.api.ogc import reading

ITEMS = "/collections/buildings/items"
EVERYWHERE = {"bbox": "121,30,122,32"}


def pages(client: httpx.Client, **given: Any) -> Iterator[dict[str, Any]]:
    """Every feature, seven a page."""
    answer = client.get(ITEMS, params={"limit": 7, **given}).json()
    while True:
        yield from answer["features"]
        following = [link["href"] for link in answer["links"] if link["rel"] == "next"]
        if not following:
            return
        answer = httpx.get(following[0]).json()


@pytest.mark.parametrize("place", [{}, EVERYWHERE])
@pytest.mark.parametrize("name", [*SORTED["building"], "id", "name", "storeys,-height"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_order_is_right(
    client: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    sign: str,
    place: dict[str, str],
) -> None:
    first = name.partition(",")[0]
    if place and name != "name" and "," not in name:
        monkeypatch.setattr(reading, "MOST_SORTED", 10)  # as where a place holds very many
    found = list(pages(client, sortby=sign + name, **place))
    assert len({f["id"] for f in found}) == len(found) == 63
    values = [f["id"] if first == "id" else f["properties"][first] for f in found]
    known = [value for value in values if value is not None]
    assert values == [*known, *[None] * (len(values) - len(known))]
    assert known == sorted(known, reverse=bool(sign))


def test_what_would_be_sorted_for_long_is_refused(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_SORTED", 10)
    answer = client.get(ITEMS, params={"sortby": "-name"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("sortby:")
    assert all(name in answer.json()["detail"] for name in SORTED["building"])
    few = client.get(ITEMS, params={"sortby": "-name", "filter": "key = 'B3'"})
    assert few.json()["numberReturned"] == 1
