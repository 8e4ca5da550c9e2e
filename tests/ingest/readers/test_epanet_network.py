"""What the network says of models that others made, compared with WNTR."""

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from ingest.readers.base import ReadOptions
from ingest.readers.epanet import EpanetReader
from models.network import Network, components, isolate, path, valve_segments

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "underground"


@pytest.fixture(scope="module", params=["Net3.inp", "ky4.inp"])
def model(request):
    """WNTR's model, and our tables of the same file."""
    import wntr

    file = SAMPLES / request.param
    if not file.exists():
        pytest.skip(f"{file} is not there")
    tables = EpanetReader().read((file,), ReadOptions("EPSG:4549", "1985")).tables
    return wntr.network.WaterNetworkModel(str(file)), tables


def partition(labels: dict[object, object]) -> set[frozenset[object]]:
    groups: dict[object, set[object]] = {}
    for name, label in labels.items():
        groups.setdefault(label, set()).add(name)
    return {frozenset(group) for group in groups.values()}


def test_components_and_paths_are_those_of_wntr(model):
    wn, tables = model
    network = Network.of(tables["pipe_segment"], tables["pipe_point"])
    keys = tables["pipe_point"]["key"].tolist()
    graph = wn.to_graph().to_undirected()
    found = components(network)
    ours = {k: int(c) for k, c in zip(keys, found.node, strict=True) if not k.endswith("@")}
    theirs = {frozenset(part) for part in nx.connected_components(graph)}
    assert partition(ours) == theirs
    rng = np.random.default_rng(0)
    lengths = dict(zip(tables["pipe_segment"]["key"], network.length, strict=True))
    for a, b, name in graph.edges(keys=True):
        whole = lengths.get(name, lengths.get(f"{name}#1", 0.0) + lengths.get(f"{name}#2", 0.0))
        graph.edges[a, b, name]["weight"] = whole
    for a, b in rng.choice([k for k in keys if not k.endswith("@")], (20, 2)):
        way = path(network, [keys.index(a)], [keys.index(b)])
        assert (way is not None) == nx.has_path(graph, a, b)
        if way is not None:
            expected = nx.dijkstra_path_length(graph, a, b)
            assert way.chainage[-1] == pytest.approx(expected)


def with_valves(tables, layer):
    """Our tables with a valve point on each (link, node) of ``layer``, next to the node."""
    segments = tables["pipe_segment"][["key", "class_code", "from_point", "to_point"]].copy()
    points = tables["pipe_point"][["key", "class_code", "appurtenance"]].copy()
    stubs, valves = [], []
    for link, node in zip(layer["link"], layer["node"], strict=True):
        row = segments.index[segments["key"] == link][0]
        end = "from_point" if segments.loc[row, "from_point"] == node else "to_point"
        valve = f"{link}|{node}"
        segments.loc[row, end] = valve
        stubs.append((f"stub {valve}", "JS", node, valve))
        valves.append((valve, "JS", "阀门"))
    more = pd.DataFrame(stubs, columns=segments.columns)
    extra = pd.DataFrame(valves, columns=points.columns)
    return (
        pd.concat([segments, more], ignore_index=True),
        pd.concat([points, extra], ignore_index=True),
    )


def layer_of(wn, seed):
    """Valves at random ends of random pipes."""
    rng = np.random.default_rng(seed)
    ends = [
        (name, node)
        for name, pipe in wn.pipes()
        for node in (pipe.start_node_name, pipe.end_node_name)
    ]
    chosen = rng.choice(len(ends), len(ends) // 6, replace=False)
    return pd.DataFrame([ends[i] for i in sorted(chosen)], columns=["link", "node"])


@pytest.mark.parametrize("seed", [1, 2])
def test_valve_segments_are_those_of_wntr(model, seed):
    import wntr

    wn, tables = model
    layer = layer_of(wn, seed)
    their_nodes, their_links, _ = wntr.metrics.valve_segments(wn.to_graph(), layer)
    segments, points = with_valves(tables, layer)
    network = Network.of(segments, points)
    found = valve_segments(network)
    node_keys, pipe_names = points["key"].tolist(), set(wn.pipe_name_list)
    nodes = set(wn.node_name_list)
    ours: dict[object, object] = {
        ("node", k): int(c) for k, c in zip(node_keys, found.node, strict=True) if k in nodes
    }
    ours |= {
        ("link", k): int(c)
        for k, c in zip(segments["key"], found.edge, strict=True)
        if k in pipe_names
    }
    theirs: dict[object, object] = {("node", k): int(c) for k, c in their_nodes.items()}
    theirs |= {("link", k): int(c) for k, c in their_links.items() if k in pipe_names}
    assert partition(ours) == partition(theirs)


def test_a_burst_cuts_off_the_segment_that_wntr_gives_and_no_water_reaches_it(model):
    import wntr

    wn, tables = model
    layer = layer_of(wn, 3)
    _, their_links, _ = wntr.metrics.valve_segments(wn.to_graph(), layer)
    segments, points = with_valves(tables, layer)
    network = Network.of(segments, points)
    keys, pipe_names = segments["key"].tolist(), set(wn.pipe_name_list)
    feeds = points["key"].isin([*wn.reservoir_name_list, *wn.tank_name_list]).to_numpy()
    closed_some = False
    for burst in np.random.default_rng(4).choice(wn.pipe_name_list, 10):
        found = isolate(network, [keys.index(burst)])
        cut = {keys[e] for e in found.cut_edges}
        same = set(their_links.index[their_links == their_links[burst]])
        assert cut & pipe_names == same & pipe_names
        graph = nx.Graph()
        for a, b, key in zip(network.tail, network.head, keys, strict=True):
            graph.add_edges_from([(int(a), ("pipe", key)), (int(b), ("pipe", key))])
        graph.remove_nodes_from(found.close.tolist())
        wet: set[object] = set()
        for source in np.setdiff1d(np.flatnonzero(feeds), found.cut_nodes).tolist():
            wet |= nx.node_connected_component(graph, source)
        assert not {("pipe", key) for key in cut} & wet
        closed_some |= found.close.size > 0
    assert closed_some
