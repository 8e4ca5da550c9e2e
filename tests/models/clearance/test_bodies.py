"""Pieces, outer sizes, accuracy and joints of segment tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from models.clearance.bodies import bodies

LINE = shapely.LineString([(0, 0, 1), (10, 0, 1)])


def table(*rows):
    """Segments with a line unless another ``geom`` is given."""
    return pd.DataFrame([{"geom": LINE, **row} for row in rows]).astype({"geom": object})


@pytest.mark.parametrize(
    ("sizes", "outer", "nominal"),
    [
        ({"od_mm": 219.0, "id_mm": 200.0, "width_mm": 200.0}, (0.219, 0.219), False),
        ({"id_mm": 800.0, "wall_mm": 80.0, "width_mm": 800.0}, (0.96, 0.96), False),
        ({"width_mm": 300.0}, (0.3, 0.3), True),
        ({"id_mm": 300.0}, (0.3, 0.3), True),
        ({"od_mm": 300.0, "id_mm": 300.0, "material": "混凝土"}, (0.3, 0.3), True),
        ({"od_mm": 110.0, "id_mm": 110.0, "material": "聚乙烯"}, (0.11, 0.11), False),
        ({"od_mm": 60.0, "id_mm": 60.0, "class_code": "LD"}, (0.06, 0.06), False),
        ({"shape": "rect", "width_mm": 2000.0, "height_mm": 1500.0}, (2.0, 1.5), True),
        ({"shape": "bank", "width_mm": 600.0}, (0.6, 0.6), True),
        ({"shape": "egg", "width_mm": 600.0, "height_mm": 900.0}, (0.6, 0.9), True),
    ],
)  # fmt: skip
def test_outer_sizes(sizes, outer, nominal):
    made = bodies(table(sizes))
    assert (2 * made.half_width[0], 2 * made.half_height[0]) == pytest.approx(outer)
    assert made.nominal[0] == nominal
    assert made.box[0] == (sizes.get("shape") in ("rect", "bank"))


@pytest.mark.parametrize("bad", [None, 0.0, -300.0, 1e6])
def test_a_size_that_is_missing_or_absurd_stays_unknown(bad):
    made = bodies(table({"width_mm": bad, "id_mm": None}))
    assert np.isnan(made.half_width[0])
    assert np.isnan(made.half_height[0])
    assert not made.nominal[0]


def test_lines_are_split_at_their_vertices_and_lose_none():
    bent = shapely.LineString([(0, 0, 0), (5, 0, 0), (5, 0, 0), (5, 5, 0), (5, 5, -3)])
    point = shapely.LineString([(1, 1, 1), (1, 1, 1), (1, 1, 1)])
    flat = shapely.LineString([(0, 0), (3, 4)])
    made = bodies(table({"geom": bent}, {"geom": None}, {"geom": point}, {"geom": flat}))
    assert made.owner.tolist() == [0, 0, 0, 2, 3]
    lengths = np.linalg.norm(made.end - made.start, axis=1)
    assert lengths[:4].tolist() == [5, 5, 3, 0]
    assert np.isnan(made.start[4, 2])
    assert made.nodes[0, 1] == made.nodes[1, 0]
    assert made.nodes[1, 1] == made.nodes[2, 0]
    assert len(np.unique(made.nodes[:3])) == 4
    assert made.ends[1].tolist() == [-1, -1]


def test_an_empty_table_has_no_pieces():
    assert len(bodies(table({}).iloc[:0])) == 0
    assert len(bodies(table({"geom": None}))) == 0


def test_the_poorer_end_gives_the_accuracy_else_the_quality_level_does():
    points = pd.DataFrame(
        {"exp_no": ["a", "b", "c"], "sigma_xy": [0.05, 0.2, np.nan], "sigma_z": [0.03, 0.1, np.nan]}
    )
    lines = table(
        {"from_point": "a", "to_point": "b"},
        {"from_point": "c", "to_point": "c", "quality_level": "A"},
        {"from_point": "x", "to_point": "y", "quality_level": "B", "from_depth": 2.0},
        {"from_point": "c", "to_point": "y", "quality_level": "D"},
    )
    made = bodies(lines, points)
    assert made.sigma_xy == pytest.approx([0.2, 0.05, np.hypot(0.05, 0.1), np.nan], nan_ok=True)
    assert made.sigma_z == pytest.approx([0.1, 0.03, np.hypot(0.03, 0.15), np.nan], nan_ok=True)


def test_ends_meet_by_id_by_number_or_by_place():
    made = bodies(
        table(
            {"from_point_id": "u1", "to_point_id": "u2", "from_point": "1", "to_point": "2"},
            {"from_point_id": "u2", "to_point_id": "u3", "from_point": "9", "to_point": "3"},
            {"from_point": "7", "to_point": "8", "dataset_id": 1},
            {"from_point": "8", "to_point": "7", "dataset_id": 2},
            {"geom": shapely.LineString([(1, 2, 3), (4, 5, 6)])},
            {"geom": shapely.LineString([(4, 5, 6), (7, 8, 9)])},
        )
    )
    assert made.ends[0, 1] == made.ends[1, 0]
    assert len(np.unique(made.ends[2:4])) == 4, "another dataset's numbers are other points"
    assert made.ends[4, 1] == made.ends[5, 0]
    assert made.ends[4, 0] != made.ends[5, 1]


def test_points_of_one_chamber_are_one():
    points = pd.DataFrame(
        {"exp_no": ["w", "p", "q", "r"], "offset_point": [None, None, None, "w"]}, dtype=object
    )
    made = bodies(
        table(
            {"from_point": "a", "to_point": "p"},
            {"from_point": "p", "to_point": "w", "embed": "井内连线"},
            {"from_point": "w", "to_point": "q", "embed": "井内连线"},
            {"from_point": "q", "to_point": "b"},
            {"from_point": "r", "to_point": "c"},
        ),
        points,
    )
    assert made.ends[0, 1] == made.ends[3, 0] == made.ends[4, 0]
    assert len({*made.ends[[0, 3, 4]].ravel().tolist()}) == 4
