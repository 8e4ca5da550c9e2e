import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.network import Network, runs


@st.composite
def networks(draw):
    nodes = draw(st.integers(1, 12))
    node = st.integers(0, nodes - 1)
    row = st.tuples(node, node, st.integers(1, 9), st.booleans())
    rows = np.array(draw(st.lists(row, max_size=20)), np.int64).reshape(-1, 4)
    tail, head, length, link = rows.T
    known = {"length": length.astype(np.float64), "in_chamber": link == 1}
    return Network.build(tail, head, nodes, **known)


@given(networks())
def test_every_pipe_is_in_one_run_which_hangs_together_in_order(network):
    found = runs(network)
    joined = nx.Graph()
    joined.add_nodes_from(range(network.nodes))
    chamber = network.in_chamber
    joined.add_edges_from(zip(network.tail[chamber], network.head[chamber], strict=True))
    place = {n: i for i, part in enumerate(nx.connected_components(joined)) for n in part}
    assert sorted(found.edge.tolist()) == np.flatnonzero(~chamber).tolist()
    met = [place[n] for e in found.edge for n in (int(network.tail[e]), int(network.head[e]))]
    for run in range(found.count):
        part = slice(found.first[run], found.first[run + 1])
        at, chainage = place[int(found.start[run])], 0.0
        steps = zip(found.edge[part], found.forward[part], found.chainage[part], strict=True)
        for index, (edge, forward, metres) in enumerate(steps):
            ends = [place[int(network.tail[edge])], place[int(network.head[edge])]]
            start, end = ends if forward else ends[::-1]
            assert (start, metres) == (at, chainage)
            assert index == 0 or met.count(at) == 2
            assert found.of_edge[edge] == run
            at, chainage = end, chainage + network.length[edge]
        assert at == place[int(found.end[run])]
        assert chainage == found.length[run]
    # and none could be longer: where two pipes meet they are of one run
    of_end = np.concatenate([found.of_edge[~chamber]] * 2).tolist()
    ends = np.concatenate([network.tail[~chamber], network.head[~chamber]]).tolist()
    for where in (p for p in set(met) if met.count(p) == 2):
        pairs = zip(ends, of_end, strict=True)
        assert len({run for end, run in pairs if place[end] == where}) == 1


def test_a_run_ends_at_junctions_changes_of_class_and_where_one_says(drawing):
    d = drawing(["a-b", "b-c", "c-d", "d-e", "e-f", "d-g"])
    d.segments["class_code"] = ["YS", "YS", "WS", "WS", "WS", "WS"]
    network = Network.of(d.segments, d.points)
    found = runs(network)
    together = [d.piped(found.edge[found.first[i] : found.first[i + 1]]) for i in range(4)]
    assert found.count == 4
    assert {"a-b", "b-c"} in together
    assert {"d-e", "e-f"} in together
    assert runs(network, breaks=d.mask("b", "e")).count == 6


def test_pipes_that_links_in_a_chamber_join_are_one_run(drawing):
    #  the well m has links to the pipe ends p and q
    d = drawing(["a-p", "p-m", "m-q", "q-b"], embed=["直埋", "井内连线", "井内连线", "直埋"])
    found = runs(Network.of(d.segments, d.points))
    assert found.count == 1
    assert d.piped(found.edge) == {"a-p", "q-b"}
    assert {d.names[found.start[0]], d.names[found.end[0]]} == {"a", "b"}


def test_a_ring_is_one_run_from_its_first_edge(drawing):
    d = drawing(["a-b", "b-c", "c-a"])
    found = runs(Network.of(d.segments, d.points))
    assert found.edge.tolist() == [0, 1, 2]
    assert found.start.tolist() == found.end.tolist() == [d.node("a")]
