"""Datum words: understood exactly, or refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from pyproj import CRS

from ingest.mapping import datums
from ingest.mapping.datums import Unknown


@pytest.mark.parametrize(
    ("text", "epsg"),
    [
        ("EPSG:4549", 4549),
        ("ｅｐｓｇ：4549", 4549),
        ("4550", 4550),
        ("CGCS2000 3度带 120E", 4549),
        ("2000国家大地坐标系 3度分带 中央子午线120°", 4549),
        ("CGCS2000_3_Degree_GK_CM_123E", 4550),
        ("CGCS2000 / 3-degree Gauss-Kruger zone 40", 4528),
        ("CGCS2000 3度带 第40带", 4528),
        ("CGCS2000 41带", 4529),
        ("CGCS2000 经纬度", 4490),
    ],
)
def test_crs_words(text: str, epsg: int) -> None:
    assert datums.horizontal(text) == f"EPSG:{epsg}"


@pytest.mark.parametrize("steps", range(21))
def test_every_meridian_is_the_registry_s(steps: int) -> None:
    meridian = 75 + 3 * steps
    named = CRS(str(datums.horizontal(f"CGCS2000 3度带 {meridian}E"))).name
    assert named == f"CGCS2000 / 3-degree Gauss-Kruger CM {meridian}E"
    zoned = CRS(str(datums.horizontal(f"CGCS2000 3度带 {25 + steps}带"))).name
    assert zoned == f"CGCS2000 / 3-degree Gauss-Kruger zone {25 + steps}"


@pytest.mark.parametrize(
    "text",
    ["CGCS2000", "上海2000坐标系", "上海城建坐标", "CGCS2000 6度带 123E", "CGCS2000 121E", "甲"],
)
def test_crs_words_that_name_none(text: str) -> None:
    assert isinstance(datums.horizontal(text), Unknown)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1985国家高程基准", "1985"),
        ("85高程", "1985"),
        ("EPSG:5737", "1985"),
        ("1956年黄海高程系", "1956"),
        ("大地高", "ellipsoidal"),
        ("EGM96", "egm96"),
        ("吴淞高程 H85=H-1.6587", "wusong:1.6587"),
        ("吴淞（H85=H吴淞-1.6587）", "wusong:1.6587"),
        ("吴淞 H吴淞=H85+1.6587", "wusong:1.6587"),
        ("吴淞高程 1985=吴淞+0.2", "wusong:-0.2"),
        ("wusong:1.66", "wusong:1.66"),
    ],
)
def test_vertical_words(text: str, word: str) -> None:
    assert datums.vertical(text) == word


@pytest.mark.parametrize("text", ["吴淞高程", "吴淞高程系 1.66", "吴淞 -1.66", "假定高程"])
def test_an_offset_is_never_guessed(text: str) -> None:
    assert isinstance(datums.vertical(text), Unknown)


def test_declarations_are_found_in_one_cell_beside_or_together() -> None:
    cells: list[list[Any]] = [
        ["工程名称：某路", None],
        ["坐标系：CGCS2000 3度带 120E", None],
        ["高程基准", None, "1985国家高程基准"],
        ["坐标系:EPSG:4549 高程系统:85高程"],
        ["坐标系: CGCS2000 120E，1985国家高程基准"],
        ["地面高程", "X"],
    ]
    found = [(d.kind, d.text, d.row) for d in datums.find(cells)]
    assert found == [
        ("horizontal", "CGCS2000 3度带 120E", 1),
        ("vertical", "1985国家高程基准", 2),
        ("horizontal", "EPSG:4549", 3),
        ("vertical", "85高程", 3),
        ("horizontal", "CGCS2000 120E,1985国家高程基准", 4),
        ("vertical", "CGCS2000 120E,1985国家高程基准", 4),
    ]


@pytest.mark.parametrize(
    ("cells", "crs"),
    [
        ([["坐标系", "CGCS2000"], ["中央子午线", 120]], {"EPSG:4549"}),
        ([["坐标系", "CGCS2000", "中央子午线", 120.0]], {"EPSG:4549"}),
        ([["坐标系", "CGCS2000", "3度带", 120]], {"EPSG:4549"}),
        ([["坐标系", "CGCS2000", "中央子午线120°"]], {"EPSG:4549"}),
        ([["坐标系: CGCS2000 中央子午线: 120"]], {"EPSG:4549"}),
        ([["坐标系", "CGCS2000"], ["带号", 40]], {"EPSG:4528"}),
        ([["坐标系", "CGCS2000 40带"], ["中央子午线", 120]], {"EPSG:4528"}),
        ([["坐标系", "CGCS2000 120E"], ["中央子午线", 117]], {"EPSG:4549", "EPSG:4548"}),
    ],
)
def test_a_meridian_of_its_own_completes_the_crs(cells: list[list[Any]], crs: set[str]) -> None:
    found = datums.find(cells)
    assert {d.kind for d in found} == {"horizontal"}
    assert {datums.horizontal(d.text) for d in found} == crs


@pytest.mark.parametrize("meridian", ["120.5", "120°30′", "120°30'", "121.4667"])
def test_a_meridian_between_whole_degrees_is_no_zone(meridian: str) -> None:
    (found,) = datums.find([["坐标系", "CGCS2000"], ["中央子午线", meridian]])
    assert isinstance(datums.horizontal(found.text), Unknown)


@pytest.mark.parametrize(
    "cells",
    [
        ["坐标常数", "X=3400000 Y=600000"],
        ["坐标常数", "X=3400000", "Y=600000"],
        ["坐标改正", "X+3400000, Y+600000"],
        ["坐标加常数: X=3,400,000m Y=600,000m"],
        ["坐标常数：Ｘ＝3400000；Ｙ＝600000", "高程基准", "H85=H-1.6587"],
        ["坐标改正 X加常数: 3400000 Y加常数: 600000"],
    ],
)
def test_constants_of_both_axes_in_one_declaration(cells: list[Any]) -> None:
    found = {d.kind: float(d.text) for d in datums.find([cells]) if d.kind.startswith("offset_")}
    assert found == {"offset_x": 3400000.0, "offset_y": 600000.0}


@pytest.mark.parametrize("text", ["X-3400000", "X=3400km", "3400000 600000"])
def test_constants_whose_meaning_is_open_are_no_numbers(text: str) -> None:
    (found,) = datums.find([["坐标改正", text]])
    assert found.kind == "offset_x"
    with pytest.raises(ValueError, match="could not convert"):
        float(found.text)


@pytest.mark.parametrize("text", ["无", "按2019年成果"])
def test_words_without_constants_declare_none(text: str) -> None:
    assert datums.find([["坐标改正", text]]) == []
