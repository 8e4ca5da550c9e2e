"""Failures are problem documents (RFC 9457) in both languages."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from twin.testing import Service

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


def test_a_method_that_is_not_there(service: Service) -> None:
    answer = httpx.post(f"{service.url}/twins")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["detail_zh"]
