"""Failures are problem documents (RFC 9457) in both languages."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import httpx
import pytest
import structlog.testing

from tiles.store.directory import DirectoryStore
from twin.settings import Settings
from twin.testing import Service, application

ABSENT = UUID(int=1)


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/twins/atlantis", 404, "songjiang-hub"),
        (f"/twins/qianwan/features/{ABSENT}", 404, str(ABSENT)),
        (f"/twins/atlantis/features/{ABSENT}", 404, "atlantis"),
        ("/twins/qianwan/features/not-an-id", 400, "feature_id"),
        ("/no/such/path", 404, ""),
        ("/tiles/qianwan/buildings/nothing.glb", 404, "nothing.glb"),
        ("/tiles/qianwan/pointcloud/tileset.json", 404, "twin ingest"),
    ],
)
def test_problems(service: Service, path: str, status: int, word: str) -> None:
    answer = httpx.get(service.url + path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["type"] == "about:blank"
    assert problem["instance"] == path
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert word in problem["detail"]
    assert word in problem["detail_zh"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in problem["detail_zh"])


def test_an_unknown_address_names_lists_of_addresses(service: Service) -> None:
    problem = httpx.get(f"{service.url}/no/such/path").json()
    for path, listed in (("/api", "/tiles/{twin}"), ("/ogc/{twin}/api", "/items")):
        assert path in problem["detail"]
        assert path in problem["detail_zh"]
        paths = httpx.get(service.url + path.format(twin="qianwan")).json()["paths"]
        assert any(listed in name for name in paths), path


def test_a_method_that_is_not_there(service: Service) -> None:
    answer = httpx.post(f"{service.url}/twins")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["detail_zh"]


def test_what_nobody_foresaw_is_told_with_all_headers(database: str, tmp_path: Path) -> None:
    """A tileset is published that is no JSON."""
    settings = Settings(home=tmp_path, database_url=database)
    DirectoryStore(settings.tiles_dir / "qianwan" / "mesh").publish(b"{")
    asked = {"Origin": "https://city.example", "X-Request-ID": "a-question-of-mine"}
    with (
        application(settings, database) as address,
        httpx.Client(base_url=address, headers=asked) as client,
        structlog.testing.capture_logs() as logs,
    ):
        for _ in range(2):  # the connection goes on
            answer = client.get("/twins/qianwan")
            assert answer.status_code == 500
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["x-request-id"] == "a-question-of-mine"
            assert answer.json()["request_id"] == "a-question-of-mine"
            assert str(tmp_path) not in answer.text
            assert client.get("/healthz").status_code == 200
    assert [log["path"] for log in logs if log["event"] == "unexpected"] == ["/twins/qianwan"] * 2
