"""Query parameters that nobody knows are refused; the known ones are named."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query

from twin.api import errors
from twin.api.parameters import known_parameters
from twin.testing import Service


@pytest.mark.parametrize(
    "path", ["/twins", "/twins/qianwan", "/api", "/healthz", "/readyz", "/twins/atlantis"]
)
def test_an_unknown_parameter_is_named(service: Service, path: str) -> None:
    answer = httpx.get(f"{service.url}{path}?limti=5&f=json&limti=6")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert "limti, f." in problem["detail"]
    assert "limti, f。" in problem["detail_zh"]
    assert "不接受查询参数" in problem["detail_zh"]
    assert httpx.get(f"{service.url}{path}").status_code != 400


def test_files_and_the_page_take_a_version(service: Service) -> None:
    for path in ("/", "/tiles/qianwan/pipes/tileset.json", "/static/main.js"):
        assert httpx.get(f"{service.url}{path}?v=1").status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "word"),
    [
        ("/tiles/qianwan/pipes/tileset.json", "filtr=width_mm>300", "filter"),
        ("/tiles/qianwan/pipes/tileset.json", "datetime=2020-01-01&date=2021-01-01", "as-of"),
        ("/tiles/qianwan/pipes/tileset.json", "as-of=2020-01-01&as-of=2021-01-01", "once"),
        ("/terrain/qianwan/layer.json", "datetime=2020-01-01", "extensions"),
    ],
)
def test_a_tileset_is_not_given_for_a_question_misspelt(
    service: Service, path: str, query: str, word: str
) -> None:
    answer = httpx.get(f"{service.url}{path}?{query}")
    assert answer.status_code == 400
    assert word in answer.json()["detail"]


def paging(limit: int = Query(10, le=100, alias="page-size")) -> int:
    return limit


def get(address: str) -> httpx.Response:
    """Ask an operation that has parameters of its own and of a dependency."""
    app, router = FastAPI(), APIRouter()

    @router.get("/items/{item}")
    def items(item: int, bbox: str = "", size: int = Depends(paging)) -> dict[str, int]:
        return {"item": item, "size": size}

    app.include_router(router, dependencies=[Depends(known_parameters)])
    errors.install(app)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(address)

    return asyncio.run(ask())


def test_the_allowed_ones_are_named_and_taken() -> None:
    assert get("/items/1?bbox=1,2&page-size=7").json() == {"item": 1, "size": 7}
    problem = get("/items/1?bbox=1,2&limit=7").json()
    assert problem["detail"] == "Unknown query parameter: limit. Expected only bbox, page-size."
    assert problem["detail_zh"] == "未知的查询参数：limit。可用参数：bbox、page-size。"
    assert get("/items/1?item=2").status_code == 400  # it is of the path


def test_a_parameter_is_given_once() -> None:
    answer = get("/items/1?bbox=1,2&bbox=1,2&bbox=3,4")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "bbox: given 3 times, expected once."
    assert answer.json()["detail_zh"] == "bbox：出现 3 次，应为一次。"


@pytest.mark.parametrize(
    ("address", "en", "zh"),
    [
        ("/items/1?page-size=many", "query.page-size: found 'many', expected a valid int", "整数"),
        ("/items/1?page-size=101", "found '101', expected less than or equal to 100", "不大于 100"),
        ("/items/x", "path.item: found 'x'", "path.item：收到“x”，应为整数。"),
    ],
)
def test_a_bad_value_is_told_with_what_was_expected(address: str, en: str, zh: str) -> None:
    answer = get(address)
    assert answer.status_code == 400
    assert en in answer.json()["detail"]
    assert zh in answer.json()["detail_zh"]
