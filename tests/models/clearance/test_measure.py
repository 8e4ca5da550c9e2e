"""Clearances and clashes of whole tables: which pairs, which distance, which verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clearance.bodies import bodies
from models.clearance.distance import spatial
from models.clearance.judge import FINDINGS, Verdict
from models.clearance.limits import load_limits
from models.clearance.measure import COLUMNS, clashes, clearances
from models.clearance.solids import solids

E, N = 617_486.771, 3_430_515.006


def line(*vertices, **values):
    """A storm sewer of 0.5 m outer diameter, exposed at both ends, unless told otherwise."""
    z = [v[2] if len(v) > 2 else -2.0 for v in vertices]
    xyz = [(E + v[0], N + v[1], h) for v, h in zip(vertices, z, strict=True)]
    given = {"class_code": "YS", "od_mm": 500.0, "width_mm": 500.0, "quality_level": "A"}
    return {**given, "geom": shapely.LineString(xyz), **values}


def table(*lines):
    return pd.DataFrame(list(lines)).astype({"geom": object})


def measured(*lines, points=None, **options):
    segments = table(*lines)
    return clearances(bodies(segments, points), segments, **options)


def clashing(*lines, **options):
    segments = table(*lines)
    return clashes(bodies(segments), segments, **options)


def only(found):
    assert len(found) == 1
    return found.iloc[0]


WATER = {"class_code": "JP", "od_mm": 200.0, "width_mm": 200.0}


def test_horizontal_distance_is_between_outer_walls_and_says_where():
    row = only(measured(line((0, 0), (50, 0)), line((10, 1.2), (40, 1.2), **WATER)))
    assert row["kind"] == "horizontal"
    assert (row["a"], row["b"]) == (0, 1)
    assert row["distance"] == pytest.approx(1.2 - 0.25 - 0.1, abs=1e-6)
    assert row["limit"] == 1.0
    assert row["sigma"] == pytest.approx(0.05 * np.sqrt(2))
    assert row["verdict"] == Verdict.CERTAIN
    assert row["rule"] == "CN.GB50289-2016.4.1.9.JS-PS.d<=200"
    assert row["verified"]
    assert row["ay"] - N == pytest.approx(0.25, abs=1e-6)
    assert row["by"] - N == pytest.approx(1.1, abs=1e-6)
    assert (row["az"], row["bz"]) == (-2.0, -2.0)
    assert row["missing"] == ""


def test_far_enough_is_not_listed_unless_asked_for():
    pair = line((0, 0), (50, 0)), line((0, 3), (50, 3), **WATER)
    assert measured(*pair).empty
    row = only(measured(*pair, reach=5.0))
    assert row["verdict"] == Verdict.COMPLIANT
    assert row["distance"] == pytest.approx(2.65, abs=1e-6)
    assert measured(*pair, reach=5.0, keep=FINDINGS).empty
    assert measured(*pair, reach=2.0).empty


def test_what_is_not_regulated_is_listed_only_where_asked_for():
    sewers = line((0, 0), (50, 0)), line((0, 0.6), (50, 0.6))
    assert measured(*sewers).empty
    row = only(measured(*sewers, reach=1.0))
    assert row["verdict"] == Verdict.NOT_REGULATED
    assert row["rule"] is None
    assert np.isnan(row["limit"])


def test_a_crossing_has_a_vertical_distance_from_the_lower_to_the_upper():
    row = only(
        measured(line((0, 0, -1), (50, 0, -1)), line((25, -9, -1.6), (25, 9, -1.6), **WATER))
    )
    assert row["kind"] == "vertical"
    assert (row["a"], row["b"]) == (1, 0)
    assert row["distance"] == pytest.approx(0.6 - 0.35, abs=1e-6)
    assert row["limit"] == 0.4
    assert not row["verified"], "sewer above water is the order that the table does not print"
    assert row["az"] == pytest.approx(-1.5, abs=1e-6)
    assert row["bz"] == pytest.approx(-1.25, abs=1e-6)
    assert (row["ax"] - E, row["ay"] - N) == pytest.approx((25, 0), abs=1e-6)


def test_one_along_above_the_other_is_vertical():
    above = line((0, 0.1, -1), (50, 0.1, -1), **WATER)
    row = only(measured(line((0, 0, -1.5), (50, 0, -1.5)), above))
    assert row["kind"] == "vertical"
    assert row["distance"] == pytest.approx(0.5 - np.sqrt(0.35**2 - 0.1**2), abs=1e-6)
    assert row["rule"] == "CN.GB50289-98.crossing.PS/JS"


def test_a_riser_keeps_its_distance_to_what_passes_it():
    riser = line((10, 0.6, -3), (10, 0.6, 0), **WATER)
    row = only(measured(line((0, 0), (50, 0)), riser))
    assert row["kind"] == "horizontal"
    assert row["distance"] == pytest.approx(0.6 - 0.35, abs=1e-6)


def test_a_run_that_crosses_next_to_its_point_does_not_run_alongside():
    sewer = line((0, 0, -3), (50, 0, -3))
    crossing = line((20, -20, -1), (20, 0.6, -1), to_point="n", **WATER)
    going_on = line((20, 0.6, -1), (20, 20, -1), from_point="n", **WATER)
    found = measured(sewer, crossing, going_on, reach=3.0)
    assert found["kind"].tolist() == ["vertical"]
    # Without the piece that crosses, the other ends beside the sewer.
    row = only(measured(sewer, going_on))
    assert row["kind"] == "horizontal"
    assert row["distance"] == pytest.approx(0.6 - 0.35, abs=1e-6)


def test_both_pieces_of_a_run_that_comes_slowly_nearer_are_told():
    first = line((0, 1.3), (25, 1.2), to_point="n", **WATER)
    second = line((25, 1.2), (50, 1.1), from_point="n", **WATER)
    found = measured(line((0, 0), (50, 0)), first, second)
    assert sorted(found["b"]) == [1, 2]
    assert (found["kind"] == "horizontal").all()


def test_joined_pipes_have_no_clearance_nor_do_neighbours_of_a_short_branch():
    main = line((0, 0), (50, 0), from_point="a", to_point="b", class_code="TR")
    end = line((50, 0), (50, 9), from_point="b", to_point="c", class_code="TR")
    stub = line((50, 0), (50.4, 0), from_point="b", to_point="d", class_code="TR")
    beyond = line((50.4, 0), (50.4, 9), from_point="d", to_point="e", class_code="TR")
    assert measured(main, end).empty
    assert clashing(main, end).empty
    assert clashing(main, stub, beyond).empty
    assert sorted(clashing(main, beyond).loc[0, ["a", "b"]]) == [0, 1]


def test_pipes_in_one_chamber_are_joined():
    well = {"embed": "井内连线", "od_mm": 100.0}
    lines = (
        line((0, 0), (10, 0), to_point="p"),
        line((10, 0), (10.3, 0.3), from_point="p", to_point="w", **well),
        line((10.3, 0.3), (10.2, 0.1), from_point="w", to_point="q", **well),
        line((10.2, 0.1), (20, 0.1), from_point="q"),
    )
    assert clashing(*lines).empty
    assert len(clashing(lines[0], lines[3])) == 1


@pytest.mark.parametrize(
    ("inner", "outer"),
    [({"class_code": "DH", "embed": "小通道"}, {"class_code": "YS"}),
     ({"class_code": "JP", "embed": "综合管廊"}, {"class_code": "ZH"})],
)  # fmt: skip
def test_what_lies_in_a_drain_or_a_tunnel_does_not_clash_with_it(inner, outer):
    box = {"shape": "rect", "width_mm": 2000.0, "height_mm": 2000.0, "od_mm": None}
    holder = line((0, 0), (50, 0), **{**outer, **box})
    held = line((0, 0.5), (50, 0.5), **{**WATER, **inner})
    assert clashing(holder, held).empty
    assert measured(holder, held).empty
    assert len(clashing(holder, {**held, "embed": "直埋"})) == 1


def test_a_clash_is_certain_or_possible_by_the_accuracy():
    def crossing(z, level):
        return line((25, -9, z), (25, 9, z), **{**WATER, "quality_level": level})

    sewer = line((0, 0), (50, 0))
    row = only(clashing(sewer, crossing(-1.8, "A")))
    assert (row["kind"], row["verdict"], row["rule"]) == ("spatial", Verdict.CERTAIN, "CLS-01")
    assert row["distance"] == pytest.approx(0.2 - 0.35, abs=1e-6)
    assert row["sigma"] == pytest.approx(0.03 * np.sqrt(2), abs=1e-6)
    assert only(clashing(sewer, crossing(-1.6, "A")))["verdict"] == Verdict.POSSIBLE
    assert only(clashing(sewer, crossing(-1.8, None)))["missing"] == "b.accuracy"
    assert clashing(sewer, crossing(-1.4, "A")).empty


def test_a_bank_is_a_box():
    bank = line((0, 0, -1), (50, 0, -1), class_code="DL", od_mm=None, shape="bank",
                width_mm=900.0, height_mm=600.0, embed="管块", voltage_kv=10.0)  # fmt: skip
    row = only(measured(bank, line((0, 0.8, -1), (50, 0.8, -1))))
    assert row["distance"] == pytest.approx(0.8 - 0.45 - 0.25, abs=1e-6)
    assert row["nominal"]
    above = line((25, -9, -0.4), (25, 9, -0.4), **WATER)
    assert only(measured(bank, above))["distance"] == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"od_mm": None, "width_mm": None}, "b.size"),
        ({"class_code": "TR"}, "b.pressure_level"),
        ({"class_code": None}, "b.class_code"),
    ],
)
def test_what_is_not_known_is_reviewed_by_name(change, missing):
    row = only(measured(line((0, 0), (50, 0)), line((0, 0.9), (50, 0.9), **{**WATER, **change})))
    assert row["verdict"] == Verdict.REVIEW
    assert missing in row["missing"].split(",")


def test_an_unknown_height_matters_at_crossings_only():
    blank = [(25, -9, np.nan), (25, 9, np.nan)]
    row = only(measured(line((0, 0), (50, 0)), line(*blank, **WATER)))
    assert (row["kind"], row["verdict"]) == ("vertical", Verdict.REVIEW)
    assert "b.height" in row["missing"].split(",") or "a.height" in row["missing"].split(",")
    assert only(clashing(line((0, 0), (50, 0)), line(*blank, **WATER)))["missing"] == "b.height"
    beside = line((0, 1, np.nan), (50, 1, np.nan), **WATER)
    row = only(measured(line((0, 0), (50, 0)), beside))
    assert (row["verdict"], row["missing"]) == (Verdict.CERTAIN, "")


def test_lines_out_of_use_clash_but_keep_no_clearance():
    old = line((0, 0.3), (50, 0.3), **{**WATER, "status": "废弃"})
    assert measured(line((0, 0), (50, 0)), old).empty
    assert len(clashing(line((0, 0), (50, 0)), old)) == 1


def test_a_rule_is_the_cell_that_was_used():
    pair = line((0, 0), (50, 0)), line((0, 0.9), (50, 0.9), **WATER)
    cell = load_limits("horizontal").by_rule()[only(measured(*pair))["rule"]]
    assert (cell.value, cell.citation) == (1.0, "GB 50289-2016 4.1.9")


def test_hundreds_of_pipes_in_one_place_are_each_told_once():
    count = 300
    found = clashing(*(line((0, 0), (3, 0), from_point=n, to_point=-n - 1) for n in range(count)))
    assert len(found) == count * (count - 1) // 2
    assert not found.duplicated(["a", "b"]).any()


def test_empty_tables_give_empty_answers_with_all_columns():
    segments = table(line((0, 0), (1, 0))).iloc[:0]
    made = bodies(segments)
    for found in (clearances(made, segments), clashes(made, segments)):
        assert found.empty
        assert tuple(found.columns) == COLUMNS


vertex = st.tuples(*(st.floats(-60, 60).map(lambda v: round(v, 2)) for _ in range(2)),
                   st.floats(-6, 0).map(lambda v: round(v, 2)))  # fmt: skip
kind = st.sampled_from(["round", "rect", "egg"])
some = st.lists(st.tuples(vertex, vertex, vertex, st.integers(50, 3000), kind), max_size=14)


@settings(max_examples=60, deadline=None)
@given(some)
def test_no_clash_is_missed_and_none_is_told_twice(drawn):
    lines = [
        line(*vertices, od_mm=None, width_mm=float(width), height_mm=1.5 * width, shape=shape)
        for *vertices, width, shape in drawn
    ]
    if len(lines) < 2:
        return
    segments = table(*lines)
    made = bodies(segments)
    a, b = np.triu_indices(len(made), 1)
    gaps = spatial(solids(made, a), solids(made, b)).distance
    ends = [{g.coords[0], g.coords[-1]} for g in segments["geom"]]
    wanted = {
        (i, j)
        for i, j, gap in zip(a.tolist(), b.tolist(), gaps, strict=True)
        if gap < -1e-9
        and made.owner[i] != made.owner[j]
        and not ends[made.owner[i]] & ends[made.owner[j]]
    }
    told = clashes(made, segments, keep={Verdict.CERTAIN, Verdict.POSSIBLE})
    told = told[told["distance"] < -1e-9]
    pieces = sorted((int(made.owner[i]), int(made.owner[j])) for i, j in wanted)
    assert sorted(zip(told["a"].tolist(), told["b"].tolist(), strict=True)) == pieces


@settings(max_examples=60, deadline=None)
@given(some, st.floats(0.5, 20))
def test_plan_distances_are_those_of_geos_for_every_pair_within_reach(drawn, reach):
    lines = [
        line(a, b, od_mm=float(width), width_mm=float(width), from_point=f"{n}-", to_point=f"-{n}")
        for n, (a, b, _, width, _) in enumerate(drawn)
    ]
    if len(lines) < 2:
        return
    segments = table(*lines)
    plan = shapely.force_2d(segments["geom"].to_numpy())
    a, b = np.triu_indices(len(lines), 1)
    half = segments["od_mm"].to_numpy() / 2000
    apart = shapely.distance(plan[a], plan[b]) - half[a] - half[b]
    found = clearances(bodies(segments), segments, kinds=["horizontal"], reach=reach)
    got = dict(zip(zip(found["a"], found["b"], strict=True), found["distance"], strict=True))
    for i, j, gap in zip(a.tolist(), b.tolist(), apart.tolist(), strict=True):
        if 1e-4 < gap < reach - 1e-4:
            assert got.pop((i, j)) == pytest.approx(gap, abs=1e-6)
    assert all(abs(gap) <= 1e-4 or abs(gap - reach) <= 1e-4 for gap in got.values())
