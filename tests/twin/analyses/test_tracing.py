"""Questions about connection and flow, on networks that can be checked by eye."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework
from twin.analyses.testing import pipework, round_pipe
from twin.analyses.tracing import (
    ConnectivityRequest,
    SourceRequest,
    TraceRequest,
    connectivity,
    source,
    trace,
)
from twin.analyses.valves import FlowRequest, IsolationRequest, flow_direction, isolation


def line(a: str, b: str, x: float, y: float, dx: float, dy: float = 0, **more: Any) -> Any:
    return round_pipe((x, y, 2), (x + dx, y + dy, 2), points=(a, b), **more)


def sewers() -> Pipework:
    """S1 → S2 → S3 → S4 (outfall), a side branch S5 → S3, and S6 – S2 of unknown flow."""
    return pipework(
        line("S1", "S2", 0, 0, 30, code="WS", flow=1),
        line("S3", "S2", 60, 0, -30, code="WS", flow=-1),
        line("S3", "S4", 60, 0, 30, code="WS", flow=1),
        line("S5", "S3", 60, 20, 0, -20, code="WS", flow=1),
        line("S6", "S2", 30, 20, 0, -20, code="WS", flow=0),
        points={"S4": {"feature": "出水口"}},
    )


def water() -> Pipework:
    """Source – V1 – A – V2 – B – V3 – C, with a hydrant at B."""
    names = ["W", "V1", "A", "V2", "B", "V3", "C"]
    pipes = [line(a, b, 10 * i, 0, 10, code="JS") for i, (a, b) in enumerate(pairwise(names))]
    valve = {"appurtenance": "阀门"}
    return pipework(
        *pipes,
        points={"V1": valve, "V2": valve, "V3": valve, "W": {"appurtenance": "水源井"}},
    )


def keys(listed: list[dict[str, Any]]) -> set[str]:
    return {one["segment"]["key"] for one in listed}


def test_downstream_and_upstream() -> None:
    down = trace(sewers(), TraceRequest(nodes=["S1"], direction="downstream", uncertain=False))
    assert keys(down.result["segments"]) == {"S1-S2", "S3-S2", "S3-S4"}
    assert [s["distance"] for s in down.result["segments"]] == [0, 30, 60]
    assert [n["exp_no"] for n in down.result["stopped_at"]] == ["S4"]
    assert down.result["length"] == 90
    up = trace(sewers(), TraceRequest(nodes=["S3"], direction="upstream", uncertain=False))
    assert keys(up.result["segments"]) == {"S1-S2", "S3-S2", "S5-S3"}


def test_unknown_flow_is_gone_along_and_told() -> None:
    up = trace(sewers(), TraceRequest(nodes=["S3"], direction="upstream"))
    by_key = {s["segment"]["key"]: s for s in up.result["segments"]}
    assert by_key["S6-S2"]["flow_unknown"]
    assert not by_key["S6-S2"]["certain"]
    assert by_key["S1-S2"]["certain"]
    assert up.result["uncertain"] == 1
    assert [n.code for n in up.notes] == ["FLOW-UNCERTAIN"]


def test_connection_and_closed_valves() -> None:
    work = water()
    open_ = connectivity(work, ConnectivityRequest(nodes=["W", "C"])).result
    assert open_["connected"]
    assert open_["path"]["length"] == 60
    assert [n["exp_no"] for n in open_["path"]["nodes"]] == ["W", "V1", "A", "V2", "B", "V3", "C"]
    shut = connectivity(work, ConnectivityRequest(nodes=["W", "C"], closed=["V2"])).result
    assert not shut["connected"]
    assert shut["path"] is None
    assert connectivity(work, ConnectivityRequest(nodes=["W", "A"], closed=["V2"])).result[
        "connected"
    ]


def test_a_burst_is_isolated_by_the_valves_towards_the_source() -> None:
    found = isolation(water(), IsolationRequest(segments=["V2-B"])).result
    assert found["supplied"]
    assert [v["exp_no"] for v in found["close"]] == ["V2"]
    assert [v["exp_no"] for v in found["spared"]] == ["V3"]
    assert {s["key"] for s in found["cut"]["segments"]} == {"V2-B", "B-V3"}
    assert {s["key"] for s in found["lost"]["segments"]} == {"V2-B", "B-V3", "V3-C"}
    assert found["lost"]["length"] == 30


def test_an_inoperable_valve_moves_the_boundary() -> None:
    request = IsolationRequest(segments=["V2-B"], inoperable=["V2"])
    found = isolation(water(), request).result
    assert [v["exp_no"] for v in found["close"]] == ["V1"]
    assert [v["exp_no"] for v in found["inoperable"]] == ["V2"]


def test_all_stuck_valves_leave_the_next_ones_to_shut() -> None:
    request = IsolationRequest(segments=["V2-B"], inoperable=["V2", "V3"])
    answer = isolation(water(), request)
    assert [v["exp_no"] for v in answer.result["close"]] == ["V1"]
    assert {"V3-C"} <= {s["key"] for s in answer.result["cut"]["segments"]}
    assert not [note for note in answer.notes if note.code == "NOT-A-VALVE"]


def test_a_point_that_is_no_valve_is_named() -> None:
    request = IsolationRequest(segments=["V2-B"], inoperable=["B"], closed=["V1"])
    note = next(n for n in isolation(water(), request).notes if n.code == "NOT-A-VALVE")
    assert "B." in note.en
    assert "V1" not in note.en


def test_a_source_elsewhere_spares_no_valve() -> None:
    names = ["A", "V1", "B", "V2", "C"]
    pipes = [line(a, b, 10 * i, 0, 10, code="JS") for i, (a, b) in enumerate(pairwise(names))]
    gas = line("G1", "G2", 0, 50, 10, code="RQ")
    valve = {"appurtenance": "阀门井"}
    work = pipework(
        *pipes, gas, points={"V1": valve, "V2": valve, "G1": {"appurtenance": "调压箱"}}
    )
    answer = isolation(work, IsolationRequest(segments=["V1-B"]))
    assert [v["exp_no"] for v in answer.result["close"]] == ["V1", "V2"]
    assert answer.result["spared"] == []
    assert not answer.result["supplied"]
    (note,) = [note for note in answer.notes if note.code == "NO-SOURCE"]
    assert "边界阀门须全部关闭" in note.zh and "all valves around it must be shut" in note.en


def test_a_pipe_out_of_use_cannot_burst() -> None:
    work = pipework(line("A", "B", 0, 0, 10, code="JS", status="废弃"))
    with pytest.raises(BadRequestError) as raised:
        isolation(work, IsolationRequest(segments=["A-B"]))
    assert raised.value.zh


def test_where_pollution_may_come_from() -> None:
    found = source(sewers(), SourceRequest(node="S4", velocity=0.5)).result
    times = {s["point"]["exp_no"]: s["minutes"] for s in found["sources"]}
    assert times["S5"] == pytest.approx(50 / 0.5 / 60, abs=0.01)
    assert times["S1"] == pytest.approx(90 / 0.5 / 60, abs=0.01)
    assert found["sources"][0]["point"]["exp_no"] == "S5"
    certain = {s["point"]["exp_no"]: s["certain"] for s in found["sources"]}
    assert certain["S1"]
    assert not certain["S6"]


def test_flow_direction_from_the_fall_of_the_run() -> None:
    work = pipework(
        line("A", "B", 0, 0, 30, code="YS", from_invert_h=2.0, to_invert_h=1.6),
        line("C", "B", 60, 0, -30, code="YS", from_invert_h=1.2, to_invert_h=1.6),
    )
    found = flow_direction(work, FlowRequest()).result
    by_key = {s["segment"]["key"]: s for s in found["segments"]}
    assert (by_key["A-B"]["flow"], by_key["C-B"]["flow"]) == (1, -1)
    assert by_key["A-B"]["basis"] == "gradient"
    assert by_key["A-B"]["stored"] == 0
    assert found["basis"]["gradient"] == 2


def test_names_that_are_not_there() -> None:
    with pytest.raises(BadRequestError, match="S99"):
        trace(sewers(), TraceRequest(nodes=["S99"], direction="upstream"))
    with pytest.raises(BadRequestError, match="V9"):
        connectivity(water(), ConnectivityRequest(nodes=["W"], closed=["V9"]))


@pytest.mark.parametrize("most", [1, 2, 3, 5, 7])
def test_only_the_nearest_are_listed_in_order(most: int) -> None:
    """Two arms of equal lengths: of equal distances the earlier row comes first."""
    arms = [
        line(f"{arm}{i}" if i else "M", f"{arm}{i + 1}", sign * 10 * i, 0, sign * 10, code="JS")
        for i in range(3)
        for arm, sign in (("A", 1), ("B", -1))
    ]
    whole, part = (
        trace(pipework(*arms), TraceRequest(nodes=["M"], direction="downstream", **few)).result
        for few in ({}, {"most": most})
    )
    assert whole["count"] == part["count"] == 6
    assert [s["distance"] for s in whole["segments"]] == [0, 0, 10, 10, 20, 20]
    assert part["segments"] == whole["segments"][:most]
