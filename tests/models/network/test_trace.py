import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.network import Network, trace


@st.composite
def networks(draw):
    nodes = draw(st.integers(1, 14))
    node = st.integers(0, nodes - 1)
    row = st.tuples(node, node, st.sampled_from([-1, 0, 1]), st.integers(1, 9))
    rows = np.array(draw(st.lists(row, max_size=24)), np.int64).reshape(-1, 4)
    tail, head, flow, length = rows.T
    known = {"flow": flow.astype(np.int8), "length": length.astype(np.float64)}
    return Network.build(tail, head, nodes, **known), draw(node), draw(st.sets(node))


def oracle(network, direction, uncertain, stops, start):
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(network.nodes))
    for edge in range(network.edges):
        flow, length = int(network.flow[edge]), float(network.length[edge])
        ends = int(network.tail[edge]), int(network.head[edge])
        if direction == "upstream":
            ends = ends[::-1]
        for sign, (a, b) in ((1, ends), (-1, ends[::-1])):
            allowed = flow == sign or (flow == 0 and uncertain)
            if allowed and (a not in stops or a == start):
                graph.add_edge(a, b, key=edge, weight=length)
    return graph


@given(networks(), st.sampled_from(["upstream", "downstream"]), st.booleans())
def test_it_reaches_what_networkx_reaches_at_the_same_distance(made, direction, uncertain):
    network, start, stops = made
    stop = np.isin(np.arange(network.nodes), list(stops))
    found = trace(network, direction, nodes=[start], uncertain=uncertain, stops=stop)
    graph = oracle(network, direction, uncertain, stops, start)
    distance = nx.single_source_dijkstra_path_length(graph, start)
    assert dict(zip(found.nodes.tolist(), found.distance.tolist(), strict=True)) == distance
    assert set(found.edges.tolist()) == {k for _, _, k in graph.out_edges(distance, keys=True)}
    sure = oracle(network, direction, False, stops, start)
    by_flow = nx.descendants(sure, start) | {start}
    assert set(found.nodes[found.node_certain].tolist()) == by_flow
    certain = set(found.edges[found.edge_certain].tolist())
    assert certain == {k for _, _, k in sure.out_edges(by_flow, keys=True)}


@given(networks())
def test_the_ends_of_a_network_without_rings_are_where_nothing_leaves(made):
    any_network, start, _ = made
    tail, head = np.sort([any_network.tail, any_network.head], axis=0)
    part = tail != head
    flow = np.ones(np.count_nonzero(part), np.int8)
    network = Network.build(tail[part], head[part], any_network.nodes, flow=flow)
    found = trace(network, "downstream", nodes=[start])
    assert set(found.ends.tolist()) == set(found.nodes.tolist()) - set(network.tail.tolist())


def test_what_only_an_edge_of_unknown_flow_reaches_is_told(drawing):
    d = drawing(["a-b", "b-c", "c-d", "e-c"], code="YS", flow=[1, 0, 1, 1])
    network = Network.of(d.segments, d.points)
    found = trace(network, "downstream", nodes=[d.node("a")])
    assert d.piped(found.edges) == {"a-b", "b-c", "c-d"}
    assert d.piped(found.edges[found.unknown_flow]) == {"b-c"}
    assert d.piped(found.edges[found.edge_certain]) == {"a-b"}
    assert d.named(found.nodes[found.node_certain]) == {"a", "b"}
    sure = trace(network, "downstream", nodes=[d.node("a")], uncertain=False)
    assert d.named(sure.nodes) == {"a", "b"}


def test_it_starts_from_a_pipe_at_the_end_that_the_flow_gives(drawing):
    d = drawing(["a-b", "c-b", "c-d"], code="YS", flow=[1, -1, 1])
    network = Network.of(d.segments, d.points)
    down = trace(network, "downstream", edges=[d.edge("a-b")])
    assert d.piped(down.edges) == {"a-b", "c-b", "c-d"}
    assert down.distance.tolist() == [0.0, 10.0, 20.0]
    up = trace(network, "upstream", edges=[d.edge("c-b")])
    assert d.piped(up.edges) == {"a-b", "c-b"}
    assert d.named(up.nodes) == {"a", "b"}


@pytest.mark.parametrize(
    ("word", "code", "direction", "reached"),
    [
        ("出水口", "YS", "downstream", "ab"),
        ("水厂出水", "JS", "upstream", "cb"),
        ("出水口", "JS", "downstream", "abc"),  # an outfall word means nothing on a water main
    ],
)
def test_it_stops_at_outfalls_and_sources_by_their_words(drawing, word, code, direction, reached):
    d = drawing(["a-b", "b-c"], {"b": word}, code=code, flow=[1, 1])
    network = Network.of(d.segments, d.points)
    start = d.node("a" if direction == "downstream" else "c")
    found = trace(network, direction, nodes=[start])
    assert d.named(found.nodes) == set(reached)
    assert d.named(found.stopped_at) == ({"b"} if len(reached) == 2 else set())


def test_one_may_start_at_an_outfall(drawing):
    d = drawing(["a-b", "b-c"], {"c": "出水口"}, code="YS", flow=[1, 1])
    network = Network.of(d.segments, d.points)
    assert d.named(trace(network, "upstream", nodes=[d.node("c")]).nodes) == {"a", "b", "c"}


def test_abandoned_pipes_carry_nothing_and_links_in_chambers_do(drawing):
    d = drawing(
        ["a-b", "b-c", "a-d"],
        code="WS",
        flow=[1, 1, 1],
        status=["在用", None, "废弃"],
        embed=["井内连线", "直埋", "直埋"],
    )
    network = Network.of(d.segments, d.points)
    assert d.named(trace(network, "downstream", nodes=[d.node("a")]).nodes) == {"a", "b", "c"}


def test_a_limit_ends_it(drawing):
    d = drawing(["a-b", "b-c", "c-d"], code="WS", flow=[1, 1, 1])
    network = Network.of(d.segments, d.points)
    found = trace(network, "downstream", nodes=[d.node("a")], limit=15.0)
    assert d.named(found.nodes) == {"a", "b"}


def test_a_row_that_is_not_there_is_an_error(drawing):
    d = drawing(["a-b"])
    with pytest.raises(IndexError):
        trace(Network.of(d.segments, d.points), "upstream", nodes=[7])
