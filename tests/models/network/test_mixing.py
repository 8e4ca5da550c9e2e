import numpy as np
import pytest

from models.network import Kind, Network, mixed_connections


def town(drawing, flow=(1, 1, 1, 1, 1), words=None):
    """Storm s1-s2-m, sewage w1-m and m-w2-out."""
    d = drawing(
        ["s1-s2", "s2-m", "w1-m", "m-w2", "w2-out"],
        words if words is not None else {"out": "污水处理场"},
        code="PS",
        flow=list(flow),
    )
    d.segments["class_code"] = ["YS", "YS", "WS", "WS", "WS"]
    return d


def test_storm_water_into_sewage_is_proved_down_to_the_outfall(drawing):
    d = town(drawing)
    (hit,) = mixed_connections(Network.of(d.segments, d.points))
    assert (d.names[hit.node], hit.kind) == ("m", Kind.STORM_TO_FOUL)
    assert d.piped(hit.storm) == {"s2-m"}
    assert d.piped(hit.foul) == {"w1-m", "m-w2"}
    assert [d.pipes[e] for e in hit.chain] == ["m-w2", "w2-out"]
    assert (d.names[hit.end], hit.at_outfall, hit.certain) == ("out", True, True)


def test_sewage_into_storm_water_is_told_apart_and_goes_its_own_way(drawing):
    d = drawing(
        ["w1-m", "s1-m", "m-s2", "s2-river", "m-w2", "w2-works"],
        {"river": "出水口", "works": "污水处理场"},
        code="PS",
        flow=[1] * 6,
    )
    d.segments["class_code"] = ["WS", "YS", "YS", "YS", "WS", "WS"]
    (hit,) = mixed_connections(Network.of(d.segments, d.points))
    assert hit.kind is Kind.FOUL_TO_STORM
    assert [d.pipes[e] for e in hit.chain] == ["m-s2", "s2-river"]
    assert d.names[hit.end] == "river"


def test_without_an_outfall_the_chain_ends_where_the_network_does(drawing):
    d = town(drawing, words={})
    (hit,) = mixed_connections(Network.of(d.segments, d.points))
    assert [d.pipes[e] for e in hit.chain] == ["m-w2", "w2-out"]
    assert (d.names[hit.end], hit.at_outfall, hit.certain) == ("out", False, True)


def test_a_chain_through_unknown_flow_is_not_certain(drawing):
    d = town(drawing, flow=(1, 1, 1, 1, 0))
    (hit,) = mixed_connections(Network.of(d.segments, d.points))
    assert [d.pipes[e] for e in hit.chain] == ["m-w2", "w2-out"]
    assert (d.names[hit.end], hit.at_outfall, hit.certain) == ("out", True, False)
    d = town(drawing, flow=(0, 0, 0, 0, 0))
    (hit,) = mixed_connections(Network.of(d.segments, d.points))
    assert (hit.kind, hit.certain) == (Kind.UNKNOWN, False)
    assert d.names[hit.end] == "out"


def test_combined_sewers_receive_too(drawing):
    d = town(drawing)
    d.segments["class_code"] = ["YS", "YS", "WS", "HS", "HS"]
    (hit,) = mixed_connections(Network.of(d.segments, d.points))
    assert hit.kind is Kind.STORM_TO_FOUL
    assert d.piped(hit.receiving) == {"m-w2"}


@pytest.mark.parametrize("why", ["abandoned", "linking", "apart"])
def test_what_is_no_mixed_connection(drawing, why):
    d = town(drawing)
    if why == "abandoned":
        d.segments["status"] = [None, "废弃", None, None, None]
    if why == "apart":
        d.segments["class_code"] = "WS"
    network = Network.of(d.segments, d.points)
    linking = np.array([False, why == "linking", False, False, False])
    assert mixed_connections(network, linking=linking) == []
