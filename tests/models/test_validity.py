"""Why a polygon is not valid, in both languages."""

from __future__ import annotations

import pytest
import shapely

from models.validity import REASONS, reason


@pytest.mark.parametrize(
    ("wkt", "zh", "at"),
    [
        ("POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))", "环线自相交", "(2, 2)"),
        ("POLYGON ((0 0, 4 0, 2 2, 4 4, 0 4, 2 2, 0 0))", "环线自相接", "(2, 2)"),
        ("POLYGON ((0 0, 4 0, 4 4, 0 0), (8 8, 9 8, 9 9, 8 8))", "洞在外环之外", "(8, 8)"),
        ("MULTIPOLYGON (((0 0, 9 0, 9 9, 0 0)), ((6 1, 7 1, 7 2, 6 1)))", "相互嵌套", "("),
        ("POLYGON ((0 0, 4 0, 0 0, 0 0))", "环线点数不足", "(0, 0)"),
    ],
)
def test_reasons_and_places(wkt: str, zh: str, at: str) -> None:
    shape = shapely.from_wkt(wkt)
    assert isinstance(shape, shapely.Polygon | shapely.MultiPolygon)
    assert not shape.is_valid
    english, chinese = reason(shape)
    assert zh in chinese
    assert at in english
    assert at in chinese
    assert not any(word in chinese for word in REASONS)  # none of the library's own words
