"""What a client has already is not sent again, and what is not there is never told to be had."""

from __future__ import annotations

import uuid

import httpx
import pytest

from models.db.testing import locked
from tests.twin.ogc.city import City

ITEMS = "/collections/buildings/items"


@pytest.mark.parametrize("format_", ["csv", "fgb", "parquet", "geojsonseq", "jsonfgseq"])
def test_streams_are_not_read_again(client: httpx.Client, city: City, format_: str) -> None:
    given = {"f": format_, "filter": "height > 5"}
    tag = client.get(ITEMS, params=given).headers["etag"]
    assert client.head(ITEMS, params=given).headers["etag"] == tag
    assert client.get(ITEMS, params={**given, "limit": 3}).headers["etag"] != tag
    with locked(city.database, "building"):
        same = client.get(ITEMS, params=given, headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    other = client.get(ITEMS, params=given, headers={"If-None-Match": '"other"'})
    assert (other.status_code, bool(other.content)) == (200, True)


@pytest.mark.parametrize("format_", ["json", "jsonfg", "html"])
def test_no_feature_is_none_whatever_a_client_has(client: httpx.Client, format_: str) -> None:
    anything = {"If-None-Match": "*"}
    missing = client.get(f"{ITEMS}/{uuid.uuid4()}", params={"f": format_}, headers=anything)
    assert missing.status_code == 404
    there = client.get(ITEMS, params={"limit": 1}).json()["features"][0]["id"]
    found = client.get(f"{ITEMS}/{there}", params={"f": format_}, headers=anything)
    assert found.status_code == 304
