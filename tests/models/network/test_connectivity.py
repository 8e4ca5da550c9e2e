import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.network import Network, components, connected, path


@st.composite
def networks(draw):
    nodes = draw(st.integers(1, 12))
    node = st.integers(0, nodes - 1)
    rows = draw(st.lists(st.tuples(node, node, st.integers(0, 9)), max_size=20))
    tail, head, length = np.array(rows, np.int64).reshape(-1, 3).T
    network = Network.build(tail, head, nodes, length=length.astype(np.float64))
    closed = np.isin(np.arange(nodes), list(draw(st.sets(node, max_size=4))))
    return network, closed, draw(node), draw(node)


def open_graph(network, closed):
    """Nodes and edges both as vertices; a closed valve hangs on nothing."""
    graph = nx.Graph()
    graph.add_nodes_from(("node", n) for n in range(network.nodes))
    for edge in range(network.edges):
        graph.add_node(("edge", edge))
        for end in (network.tail[edge], network.head[edge]):
            if not closed[end]:
                graph.add_edge(("edge", edge), ("node", int(end)))
    return graph


@given(networks())
def test_components_are_those_of_networkx(made):
    network, closed, _, _ = made
    found = components(network, barriers=closed)
    label = {("node", n): int(c) for n, c in enumerate(found.node)}
    label |= {("edge", e): int(c) for e, c in enumerate(found.edge)}
    parts = [frozenset(p) for p in nx.connected_components(open_graph(network, closed))]
    assert len(parts) == found.count
    assert all(len({label[x] for x in part}) == 1 for part in parts)
    assert len(set(label.values())) == found.count


@given(networks())
def test_the_path_is_as_short_as_that_of_networkx(made):
    network, closed, start, goal = made
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(network.nodes))
    shut = set(np.flatnonzero(closed).tolist()) - {start, goal}
    for edge in range(network.edges):
        ends = int(network.tail[edge]), int(network.head[edge])
        if not shut & set(ends):
            graph.add_edge(*ends, weight=float(network.length[edge]))
    found = path(network, [start], [goal], closed=closed)
    if not nx.has_path(graph, start, goal):
        assert found is None
        return
    assert found is not None
    assert found.chainage[-1] == nx.dijkstra_path_length(graph, start, goal)
    steps = list(zip(found.nodes[:-1], found.nodes[1:], found.edges, strict=True))
    for a, b, edge in steps:
        assert {int(a), int(b)} == {int(network.tail[edge]), int(network.head[edge])}
    assert np.allclose(np.diff(found.chainage), network.length[found.edges])
    assert (found.nodes[0], found.nodes[-1]) == (start, goal)


def test_a_closed_valve_parts_what_an_open_one_joins(drawing):
    d = drawing(["a-v", "v-b"], {"v": "阀门"})
    network = Network.of(d.segments, d.points)
    ends = [d.node("a"), d.node("b")]
    assert connected(network, nodes=ends)
    assert not connected(network, nodes=ends, closed=d.mask("v"))
    assert connected(network, edges=[0, 1])
    assert not connected(network, edges=[0, 1], closed=d.mask("v"))
    assert path(network, ends[:1], ends[1:], closed=d.mask("v")) is None


def test_classes_and_abandoned_pipes_part_too(drawing):
    d = drawing(["a-b", "b-c", "c-d"], status=[None, None, "废弃"])
    d.segments["class_code"] = ["YS", "WS", "WS"]
    network = Network.of(d.segments, d.points)
    a, b, c, dd = map(d.node, "abcd")
    assert connected(network, nodes=[a, c])
    assert not connected(network, nodes=[a, c], within=network.edges_of("YS"))
    assert not connected(network, nodes=[c, dd])
    assert not connected(network, nodes=[b], edges=[2])
    assert connected(network, edges=[2])


def test_a_path_far_away_is_found_after_a_near_look(drawing):
    # the straight distance is 10 m, the way round 1000 m
    d = drawing([f"{i}-{i + 1}" for i in range(100)])
    d.points.loc[100, "geom"] = d.points.loc[1, "geom"]
    network = Network.of(d.segments, d.points)
    found = path(network, [0], [100])
    assert found is not None
    assert len(found.edges) == 100
