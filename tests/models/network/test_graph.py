import uuid

import numpy as np
import pandas as pd
import pytest
import shapely

from models.network import Network, Role, words_of
from models.pipes import point_words


def test_edges_are_rows_of_the_segments_and_nodes_rows_of_the_points(drawing):
    d = drawing(["b-a", "c-b"], flow=[1, -1])
    network = Network.of(d.segments, d.points)
    assert network.tail.tolist() == [d.node("b"), d.node("c")]
    assert network.head.tolist() == [d.node("a"), d.node("b")]
    assert network.flow.tolist() == [1, -1]
    assert network.length.tolist() == [10.0, 20.0]
    assert (network.nodes, network.points, network.edges) == (3, 3, 2)


def test_ids_join_where_there_are_any_for_numbers_repeat_between_datasets():
    ids = [uuid.UUID(int=i) for i in range(4)]
    points = pd.DataFrame({"id": ids, "key": ["1", "2", "1", "2"]})
    segments = pd.DataFrame(
        {
            "from_point": ["1", "1"],
            "to_point": ["2", "2"],
            "from_point_id": [ids[0], ids[2]],
            "to_point_id": [ids[1], ids[3]],
        }
    )
    network = Network.of(segments, points)
    assert np.column_stack([network.tail, network.head]).tolist() == [[0, 1], [2, 3]]


def test_pipes_that_name_the_same_absent_point_meet_there(drawing):
    d = drawing(["a-x", "x-b", "c-y"])
    d.segments.loc[2, "to_point"] = None
    points = d.points[d.points["key"].isin(["a", "b", "c"])].reset_index(drop=True)
    network = Network.of(d.segments, points)
    assert network.nodes == 5
    assert network.head[0] == network.tail[1] >= network.points
    assert network.head[2] not in (network.head[0], *network.tail)
    assert network.position[network.head[0]].tolist() == [10.0, 0.0, 2.0]


def test_lengths_are_in_space_and_in_plan_where_heights_are_unknown():
    geom = shapely.linestrings(
        [[[0, 0, 0], [3, 0, 4]], [[0, 0, np.nan], [3, 4, np.nan]], [[0, 0, 1], [0, 0, 3]]]
    )
    segments = pd.DataFrame({"from_point": list("aab"), "to_point": list("bba"), "geom": geom})
    network = Network.of(segments, pd.DataFrame({"key": ["a", "b"]}))
    assert network.length.tolist() == [5.0, 5.0, 2.0]


def test_a_network_of_nothing():
    network = Network.of(
        pd.DataFrame({"from_point": [], "to_point": []}), pd.DataFrame({"key": []})
    )
    assert (network.nodes, network.edges) == (0, 0)
    assert network.degree().tolist() == []


def test_roles_come_from_words_of_either_kind_and_hold_for_their_class(drawing):
    d = drawing(["a-b", "b-c", "c-d"], {"a": "闸阀", "b": "水表", "c": "水塔"})
    d.points["feature"] = [None, None, None, "图边点"]
    network = Network.of(d.segments, d.points)
    assert d.named(np.flatnonzero(network.nodes_of(Role.VALVE))) == {"a"}
    assert d.named(np.flatnonzero(network.nodes_of(Role.SOURCE))) == {"c"}
    assert d.named(np.flatnonzero(network.nodes_of(Role.BOUNDARY))) == {"d"}
    d.points["class_code"] = "YS"
    assert not Network.of(d.segments, d.points).nodes_of(Role.SOURCE).any()
    own = network.nodes_of(Role.VALVE, {"any": frozenset({"水表"})})
    assert d.named(np.flatnonzero(own)) == {"b"}


@pytest.mark.parametrize("role", list(Role))
def test_every_default_word_is_a_canonical_one(role):
    canonical = {word.canonical for word in point_words().values()}
    assert set().union(*words_of(role).values()) <= canonical


def test_majors_take_their_minors(drawing):
    d = drawing(["a-b", "b-c", "c-d"])
    d.segments["class_code"] = ["YS", "WS", None]
    network = Network.of(d.segments, d.points)
    assert network.edges_of("PS").tolist() == [True, True, False]
    assert network.edges_of("YS").tolist() == [True, False, False]


def test_degrees_leave_out_what_is_abandoned_and_links_in_chambers(drawing):
    d = drawing(
        ["a-b", "b-c", "b-d", "b-b"],
        status=[None, "废弃", None, None],
        embed=[None, None, "井内连线", None],
    )
    network = Network.of(d.segments, d.points)
    assert network.degree()[d.node("b")] == 3
    assert network.degree(np.ones(4, bool))[d.node("b")] == 5
