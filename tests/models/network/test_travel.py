import numpy as np
import pytest

from models.network import Network, pollution_sources, velocities


def street(drawing, **more):
    """Houses h (near) and k (far) drain to the manhole m; storm water of g comes in at b."""
    return drawing(
        ["k-a", "a-b", "h-b", "b-m", "g-b"],
        {"h": "化粪池", "k": "化粪池"},
        **{"code": "WS", "flow": [1, 1, 1, 1, None], **more},
    )


def test_dischargers_and_upstream_ends_are_ranked_certain_ones_first_then_by_time(drawing):
    d = street(drawing)
    network = Network.of(d.segments, d.points)
    found = pollution_sources(network, d.segments, d.node("m"), default=0.5)
    lengths = {p: network.length[d.edge(p)] for p in d.pipes}
    assert [d.names[n] for n in found.nodes] == ["h", "k", "g"]
    assert found.certain.tolist() == [True, True, False]
    assert found.discharger.tolist() == [True, True, False]
    metres = [lengths["h-b"], lengths["k-a"] + lengths["a-b"], lengths["g-b"]]
    assert found.metres == pytest.approx(np.array(metres) + lengths["b-m"])
    assert found.seconds == pytest.approx(found.metres / 0.5)
    assert (found.computed, found.default) == (0.0, 0.5)


def test_the_default_velocity_is_stated(drawing):
    d = street(drawing)
    found = pollution_sources(Network.of(d.segments, d.points), d.segments, d.node("m"))
    assert 0.6 <= found.default <= 1.0
    assert found.seconds == pytest.approx(found.metres / found.default)


def one_pipe(drawing, **columns):
    size = {"id_mm": 300.0, "width_mm": 300.0, "shape": "round", "material": "混凝土"}
    values = {"from_invert_h": 2.03, "to_invert_h": 2.0, "flow": 1, **size, **columns}
    d = drawing(["a-b"], code="WS", **{name: [value] for name, value in values.items()})
    return velocities(Network.of(d.segments, d.points), d.segments, np.array([0]))


def test_manning_as_in_the_textbook(drawing):
    # DN300, n = 0.013, S = 0.003 full: v = 0.075^(2/3) * 0.003^0.5 / 0.013 = 0.749 m/s
    found = one_pipe(drawing)
    assert found.computed.tolist() == [True]
    assert found.speed[0] == pytest.approx(0.749, abs=1e-3)


def test_a_box_has_its_own_hydraulic_radius(drawing):
    # 1000 x 500: R = 0.5 / 3
    found = one_pipe(drawing, shape="rect", width_mm=1000.0, height_mm=500.0, id_mm=np.nan)
    assert found.speed[0] == pytest.approx((0.5 / 3) ** (2 / 3) * 0.003**0.5 / 0.013)


@pytest.mark.parametrize(
    "unknown",
    [
        {"material": None},
        {"material": "金"},
        {"id_mm": np.nan, "width_mm": np.nan},
        {"from_invert_h": np.nan},
        {"to_invert_h": 2.03},
        {"flow": -1},
        {"class_code": "JS"},
    ],
)
def test_what_is_not_known_takes_the_default(drawing, unknown):
    found = one_pipe(drawing, **unknown)
    assert found.computed.tolist() == [False]
    assert found.speed[0] == 0.6


def test_the_slope_of_a_wrong_survey_gives_no_absurd_velocity(drawing):
    assert one_pipe(drawing, from_invert_h=12.0).speed[0] == 5.0
