"""From delivered tables to who loses water: bursts in the samples, against a graph of their own."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import networkx as nx
import pytest

from twin.testing import Service

FOLDER = Path(__file__).resolve().parents[2] / "data-samples" / "qianwan" / "pipes"
CUSTOMERS = {"水表井", "消防栓"}
SOURCES = {"水厂出水", "增压站出水"}


def rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader((FOLDER / name).read_text("gb18030").splitlines())


@pytest.fixture(scope="module")
def kinds() -> dict[str, str]:
    """Appurtenance of every water point, as the surveyor wrote it."""
    return {row["物探点号"]: row["附属物"] for row in rows("JS_点表.csv")}


@pytest.fixture(scope="module")
def pipes() -> nx.Graph:
    graph = nx.Graph((row["起点点号"], row["连接点号"]) for row in rows("JS_线表.csv"))
    assert nx.is_connected(graph)
    return graph


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.url}/twins/qianwan/analyses", timeout=60) as client:
        yield client


def isolation(client: httpx.Client, pipe: tuple[str, str], **more: Any) -> dict[str, Any]:
    answer = client.post("/isolation", json={"segments": [f"{pipe[0]}-{pipe[1]}/JS"], **more})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [note for note in body["notes"] if note["code"] == "NO-SOURCE"] == []
    result: dict[str, Any] = body["result"]
    assert result["supplied"] is True
    return result


def names(points: list[dict[str, Any]]) -> set[str]:
    return {point["exp_no"] for point in points}


def dry(pipes: nx.Graph, kinds: dict[str, str], burst: tuple[str, str], shut: set[str]) -> set[str]:
    """Customers that no source reaches: a shut valve cuts its pipes, and what is still joined to
    the burst has no water, sources there or not."""
    left = pipes.copy()
    left.remove_nodes_from(shut)
    gone: set[str] = set()
    for end in set(burst) - set(shut):
        gone |= nx.node_connected_component(left, end)
    left.remove_nodes_from(gone)
    fed: set[str] = set()
    for point, kind in kinds.items():
        if kind in SOURCES and point in left:
            fed |= nx.node_connected_component(left, point)
    return {p for p, kind in kinds.items() if kind in CUSTOMERS and p not in fed}


def delivered(pipes: nx.Graph) -> list[tuple[str, str]]:
    """Every 15th water pipe, named as its table names it."""
    return [(row["起点点号"], row["连接点号"]) for row in rows("JS_线表.csv")][::15]


def test_the_network_has_sources_and_customers(kinds: dict[str, str]) -> None:
    assert {kind for kind in kinds.values() if kind in SOURCES} == SOURCES
    assert sum(kind in CUSTOMERS for kind in kinds.values()) >= 20


def test_bursts_name_the_valves_to_shut_and_who_is_without_water(
    client: httpx.Client, pipes: nx.Graph, kinds: dict[str, str]
) -> None:
    told = 0
    for burst in delivered(pipes):
        found = isolation(client, burst)
        shut = names(found["close"])
        assert {kinds[point] for point in shut} == {"阀门井"}
        assert names(found["customers"]) == dry(pipes, kinds, burst, shut), burst
        assert found["customers_count"] == len(found["customers"])
        told += bool(found["customers"])
    assert told >= 5


def test_a_valve_that_is_stuck_costs_more_customers(
    client: httpx.Client, pipes: nx.Graph, kinds: dict[str, str]
) -> None:
    burst = next(b for b in delivered(pipes) if isolation(client, b)["customers"])
    first = isolation(client, burst)
    stuck = sorted(names(first["close"]))[0]
    second = isolation(client, burst, inoperable=[stuck])
    assert names(second["inoperable"]) == {stuck}
    assert names(first["customers"]) <= names(second["customers"])
    assert second["cut"]["count"] > first["cut"]["count"]
    assert names(second["customers"]) == dry(pipes, kinds, burst, names(second["close"]))


def test_a_burst_beside_the_waterworks_says_that_no_valve_holds_it(
    client: httpx.Client, pipes: nx.Graph, kinds: dict[str, str]
) -> None:
    (works,) = (point for point, kind in kinds.items() if kind == "水厂出水")
    (pipe,) = (
        (row["起点点号"], row["连接点号"])
        for row in rows("JS_线表.csv")
        if works in (row["起点点号"], row["连接点号"])
    )
    assert names(isolation(client, pipe)["sources_inside"]) == {works}


def test_tiles_of_terrain_are_shown_the_way(service: Service) -> None:
    for name in ("tileset.json", "layer.json", "0/0/0.terrain"):
        answer = httpx.get(f"{service.url}/tiles/qianwan/terrain/{name}")
        assert answer.status_code == 404
        for said in (answer.json()["detail"], answer.json()["detail_zh"]):
            assert "/terrain/qianwan/layer.json" in said
    unknown = httpx.get(f"{service.url}/tiles/atlantis/terrain/layer.json")
    assert unknown.status_code == 404
    assert "atlantis" in unknown.json()["detail"]
