import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.network import Network, isolate, valve_segments


@st.composite
def networks(draw):
    nodes = draw(st.integers(2, 12))
    node = st.integers(0, nodes - 1)
    rows = draw(st.lists(st.tuples(node, node), min_size=1, max_size=20))
    tail, head = np.array(rows, np.int64).T

    def some(most):
        return np.isin(np.arange(nodes), list(draw(st.sets(node, max_size=most))))

    made = Network.build(tail, head, nodes)
    valves = some(7)
    burst = draw(st.integers(0, len(rows) - 1))
    return made, valves, valves & some(3), valves & some(3), some(2) & ~valves, burst


def pipes_with_water(network, shut, sources):
    """Edges that water reaches from ``sources`` with the valves ``shut``: pipes are walked one by
    one, none is contracted."""
    graph = nx.Graph()
    for edge in range(network.edges):
        graph.add_node(("e", edge))
        for end in (int(network.tail[edge]), int(network.head[edge])):
            if not shut[end]:
                graph.add_edge(("e", edge), ("n", end))
    wet = set()
    for source in np.flatnonzero(sources).tolist():
        if ("n", source) in graph:
            wet |= nx.node_connected_component(graph, ("n", source))
    return {row for kind, row in wet if kind == "e"}


def beside(network, shut, edge):
    graph = nx.Graph([(("e", edge), ("e", edge))])
    for other in range(network.edges):
        for end in (int(network.tail[other]), int(network.head[other])):
            if not shut[end]:
                graph.add_edge(("e", other), ("n", end))
    return {row for kind, row in nx.node_connected_component(graph, ("e", edge)) if kind == "e"}


def dividing(network, valves, cut):
    """Valves where a pipe of ``cut`` and another pipe end."""
    inside, outside = set(), set()
    for edge in range(network.edges):
        ends = {int(network.tail[edge]), int(network.head[edge])}
        (inside if edge in cut else outside).update(ends)
    return {node for node in inside & outside if valves[node]}


@given(networks())
def test_closing_the_valves_keeps_water_from_the_burst_and_no_valve_is_too_many(made):
    network, valves, stuck, closed, sources, burst = made
    kept = valve_segments(network, valves=valves)
    none = np.zeros(network.nodes, bool)
    found = isolate(
        network,
        [burst],
        segments=kept,
        inoperable=stuck,
        closed=closed,
        sources=sources,
        customers=none,
    )
    assert not stuck[found.close].any()
    assert not closed[found.close].any()
    operable = valves & ~stuck & ~closed
    shut = closed.copy()
    shut[found.close] = True
    before = pipes_with_water(network, closed, sources)
    after = pipes_with_water(network, shut, sources)
    # the part cut off is the burst with every operable valve shut
    cut = beside(network, closed | operable, burst)
    assert set(found.cut_edges.tolist()) == cut
    inside = sources.copy()
    inside[np.setdiff1d(np.arange(network.nodes), found.cut_nodes)] = False
    assert set(np.flatnonzero(inside).tolist()) == set(found.sources_inside.tolist())
    assert found.supplied == (burst in before)
    if not found.supplied:  # nobody knows where its water comes from
        assert found.spared.size == 0
        assert set(found.close.tolist()) == dividing(network, operable, cut)
        return
    outside = sources & ~inside
    dry = pipes_with_water(network, shut, outside)
    assert not dry & cut
    assert set(found.lost_edges.tolist()) == before - dry
    assert found.sources_inside.size or before - after == before - dry
    for valve in found.close:  # leaving any of them open lets water in
        shut[valve] = False
        assert pipes_with_water(network, shut, outside) & cut
        shut[valve] = True


def test_the_valves_on_the_way_from_the_source_are_closed_and_others_spared(drawing):
    #  S - v - a - b - w - c        water comes from S only
    d = drawing(
        ["S-v", "v-a", "a-b", "b-w", "w-c"],
        {"S": "水厂出水", "v": "阀门", "w": "阀门", "c": "水表"},
    )
    network = Network.of(d.segments, d.points)
    found = isolate(network, [d.edge("a-b")])
    assert d.named(found.close) == {"v"}
    assert d.named(found.spared) == {"w"}
    assert d.piped(found.cut_edges) == {"v-a", "a-b", "b-w"}
    assert d.piped(found.lost_edges) == {"v-a", "a-b", "b-w", "w-c"}
    assert d.named(found.customers) == {"c"}
    assert found.supplied


def test_with_sources_on_both_sides_both_valves_close_and_nobody_else_loses(drawing):
    d = drawing(
        ["S-v", "v-a", "a-b", "b-w", "w-T"],
        {"S": "水厂出水", "T": "水塔", "v": "阀门", "w": "阀门"},
    )
    network = Network.of(d.segments, d.points)
    found = isolate(network, [d.edge("a-b")])
    assert d.named(found.close) == {"v", "w"}
    assert set(found.lost_edges.tolist()) == set(found.cut_edges.tolist())


def test_a_stuck_valve_merges_its_neighbour_until_one_works(drawing):
    d = drawing(["S-u", "u-v", "v-a", "a-b"], {"S": "水厂出水", "u": "阀门", "v": "阀门"})
    network = Network.of(d.segments, d.points)
    found = isolate(network, [d.edge("a-b")], inoperable=d.mask("v"))
    assert d.named(found.close) == {"u"}
    assert d.named(found.inoperable) == {"v"}
    assert d.piped(found.cut_edges) == {"u-v", "v-a", "a-b"}


@pytest.mark.parametrize("stuck", [(), ("v",)])
def test_where_no_valve_works_everything_is_cut_and_the_source_must_stop(drawing, stuck):
    words = {"S": "水厂出水"} | dict.fromkeys(stuck, "阀门")
    d = drawing(["S-v", "v-a", "a-b"], words)
    network = Network.of(d.segments, d.points)
    found = isolate(network, [d.edge("a-b")], inoperable=d.mask(*stuck))
    assert found.close.size == 0
    assert d.named(found.sources_inside) == {"S"}
    assert len(found.cut_edges) == 3
    assert d.named(found.inoperable) == set(stuck)


def test_a_source_within_the_burst_part_is_told(drawing):
    d = drawing(["S-a", "a-v", "v-T"], {"S": "水厂出水", "T": "水厂出水", "v": "阀门"})
    network = Network.of(d.segments, d.points)
    found = isolate(network, [d.edge("S-a")])
    assert d.named(found.sources_inside) == {"S"}
    assert d.named(found.close) == {"v"}


def test_water_may_come_in_over_the_border_of_the_survey(drawing):
    d = drawing(["S-v", "v-a", "a-w", "w-e"], {"S": "水厂出水", "v": "阀门", "w": "阀门"})
    d.points["feature"] = [None, None, None, None, "图边点"]
    network = Network.of(d.segments, d.points)
    assert d.named(isolate(network, [d.edge("v-a")]).close) == {"v", "w"}


def test_without_any_source_no_valve_is_spared_and_no_supply_is_said_to_be_lost(drawing):
    d = drawing(["x-v", "v-a", "a-w", "w-y"], {"v": "阀门", "w": "阀门"})
    network = Network.of(d.segments, d.points)
    found = isolate(network, [d.edge("v-a")])
    assert d.named(found.close) == {"v", "w"}
    assert found.lost_edges.size == 0
    assert not found.supplied


@pytest.mark.parametrize("elsewhere", ["S-s", "S-S"])
@pytest.mark.parametrize(("word", "code"), [("水厂出水", "JS"), ("图边点", "JS"), ("调压箱", "RQ")])
def test_a_source_of_another_network_spares_no_valve(drawing, elsewhere, word, code):
    d = drawing(["x-v", "v-a", "a-w", "w-y", elsewhere], {"v": "阀门", "w": "阀门", "S": word})
    d.points.loc[d.node("S"), "class_code"] = code
    found = isolate(Network.of(d.segments, d.points), [d.edge("v-a")])
    assert d.named(found.close) == {"v", "w"}
    assert found.spared.size == 0
    assert found.lost_edges.size == 0
    assert not found.supplied


@pytest.mark.parametrize("word", ["水厂出水", "图边点"])
def test_a_source_without_a_pipe_spares_no_valve(drawing, word):
    pipes = ["x-v", "v-a", "a-w", "w-y", "w-S"]
    status = [None, None, None, None, "废弃"]
    d = drawing(pipes, {"v": "阀门", "w": "阀门", "S": word}, status=status)
    for segments in (d.segments, d.segments.iloc[:-1]):  # its pipe out of use, or not there
        found = isolate(Network.of(segments, d.points), [d.edge("v-a")])
        assert d.named(found.close) == {"v", "w"}
        assert not found.supplied


def test_of_two_bursts_the_one_that_no_source_feeds_is_closed_all_around(drawing):
    d = drawing(
        ["S-v", "v-a", "a-w", "w-y", "p-t", "t-b", "b-u", "u-q"],
        {"S": "水厂出水", **dict.fromkeys("vwtu", "阀门")},
    )
    found = isolate(Network.of(d.segments, d.points), [d.edge("v-a"), d.edge("t-b")])
    assert d.named(found.close) == {"v", "t", "u"}
    assert d.named(found.spared) == {"w"}
    assert not found.supplied


def test_a_source_behind_a_shut_valve_says_nothing_of_the_burst(drawing):
    words = {"S": "水厂出水", "v": "阀门", "w": "阀门"}
    d = drawing(["S-v", "v-a", "a-w", "w-y"], words)
    found = isolate(Network.of(d.segments, d.points), [d.edge("a-w")], closed=d.mask("v"))
    assert d.named(found.close) == {"w"}
    assert not found.supplied


def test_a_closed_valve_needs_no_hand_and_feeds_nothing(drawing):
    d = drawing(
        ["S-v", "v-a", "a-w", "w-T"],
        {"S": "水厂出水", "T": "水厂出水", "v": "阀门", "w": "阀门"},
    )
    network = Network.of(d.segments, d.points)
    found = isolate(network, [d.edge("v-a")], closed=d.mask("w"))
    assert d.named(found.close) == {"v"}


def test_a_valve_inside_the_part_is_left_alone(drawing):
    # a ring with one valve: closing it parts nothing
    d = drawing(["S-u", "u-a", "a-v", "v-b", "b-a"], {"S": "水厂出水", "u": "阀门", "v": "阀门"})
    network = Network.of(d.segments, d.points)
    assert d.named(isolate(network, [d.edge("a-v")]).close) == {"u"}


def test_an_abandoned_pipe_cannot_burst(drawing):
    d = drawing(["a-b", "b-c"], status=["废弃", None])
    with pytest.raises(ValueError, match="takes part"):
        isolate(Network.of(d.segments, d.points), [0])
