"""Ranges and occurrences over several tiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tiles.content import Column
from tiles.statistics import Statistics
from tiles.testing import box_content, random_boxes


def test_ranges_and_occurrences_over_tiles() -> None:
    content = box_content(random_boxes(4))
    found = Statistics()
    for heights, words in (
        ([3.5, None, np.nan, 10.0], ["YS", None, "JS", "YS"]),
        ([None, 12, 4, np.inf], [None, "BM", "YS", None]),
    ):
        columns = [
            content.columns[0],
            Column("height", "高度", "Height", "FLOAT64", heights),
            Column("storeys", "层数", "Storeys", "INT16", [None] * 4),
            Column("kind", "类别", "Class", "ENUM", words, enum="pipe_class"),
        ]
        found.add(replace(content, columns=columns))
    assert found.to_json() == {
        "classes": {
            "building": {
                "count": 8,
                "properties": {
                    "height": {"min": 3.5, "max": 12},
                    "kind": {"occurrences": {"BM": 1, "JS": 1, "YS": 3}},
                },
            }
        }
    }


def test_a_layer_of_texts_has_its_count() -> None:
    """``properties`` must not be empty where it is given; ``count`` alone tells of lost leaves."""
    found = Statistics()
    assert found.to_json() is None
    content = box_content(random_boxes(2))
    found.add(replace(content, columns=content.columns[:1]))
    assert found.to_json() == {"classes": {"building": {"count": 2}}}
