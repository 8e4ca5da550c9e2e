"""Every request has an id, and a log line of JSON that carries it."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from twin.testing import Service


def line(service: Service, request_id: str) -> dict[str, object]:
    """The log line of a request; it is written after the answer has gone."""
    for _ in range(100):
        for text in service.log.read_text("utf-8").splitlines():
            if text.startswith("{") and json.loads(text).get("request_id") == request_id:
                found: dict[str, object] = json.loads(text)
                return found
        time.sleep(0.05)
    pytest.fail(f"no line of {request_id} in the log")


def test_a_clients_id_is_echoed_and_logged(service: Service) -> None:
    answer = httpx.get(f"{service.url}/twins/atlantis", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    logged = line(service, "abc-1")
    assert (logged["method"], logged["path"], logged["status"]) == ("GET", "/twins/atlantis", 404)
    assert isinstance(logged["ms"], float)
    assert str(logged["timestamp"]).endswith("Z")


@pytest.mark.parametrize("sent", ["x" * 65, "a\tb", "é"])
def test_other_ids_are_replaced(service: Service, sent: str) -> None:
    headers = [(b"x-request-id", sent.encode("latin-1"))]
    given = httpx.get(f"{service.url}/healthz", headers=headers).headers["x-request-id"]
    assert len(given) == 32
    assert line(service, given)["path"] == "/healthz"
