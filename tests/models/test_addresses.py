from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from models.addresses import numerals, read_address
from models.places import fold

REGIONS = ("", "松江区", "上海市松江区", "上海市 松江区 方松街道", "泗泾镇")
ROADS = ("沪松公路", "中山东路", "新松江路", "九亭大街", "南街路", "人民北路")


@pytest.mark.parametrize(
    ("text", "spine"),
    [
        ("沪松公路1399弄23号", "沪松公路/1399弄/23号"),
        ("上海市松江区方松街道沪松公路１３９９弄二十三号", "沪松公路/1399弄/23号"),
        ("北松公路8888弄8支弄6号", "北松公路/8888弄8支弄/6号"),
        ("泗博路66弄12号楼301室", "泗博路/66弄"),
        ("玉树路", "玉树路"),
        ("方松街道横4路222号", "横4路/222号"),
        ("东区2号楼玉树路", None),
        ("沪松公路（玉树路-江学路）", "沪松公路"),
        ("东区二号楼", None),
        ("松江区", None),
        ("", None),
    ],
)
def test_addresses_are_taken_apart(text: str, spine: str | None) -> None:
    found = read_address(fold(text))
    assert (found and found.spine) == spine


@given(
    region=st.sampled_from(REGIONS),
    road=st.sampled_from(ROADS),
    lane=st.none() | st.integers(1, 99_999),
    number=st.none() | st.integers(1, 999),
)
@configured(deadline=None)
def test_region_and_writing_do_not_matter(
    region: str, road: str, lane: int | None, number: int | None
) -> None:
    parts = [road, *([f"{lane}弄"] if lane else []), *([f"{number}号"] if number else [])]
    found = read_address(fold(region + " ".join(parts)))
    assert found is not None
    assert found.spine == "/".join(parts)
    assert found.above == ["/".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


@pytest.mark.parametrize(
    ("text", "digits"),
    [("二十三号", 23), ("十号", 10), ("一百二十号", 120), ("一百零五弄", 105), ("二〇三室", 203),
     ("三十层", 30), ("五幢", 5)],
)  # fmt: skip
def test_numerals_before_units_are_digits(text: str, digits: int) -> None:
    assert numerals(fold(text)) == f"{digits}{text[-1]}"


def test_numerals_of_names_stay() -> None:
    for text in ("九亭镇", "三新路", "中山二路", "百联", "十里牌"):
        assert numerals(text) == text
