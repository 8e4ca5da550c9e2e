from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.addresses import road_and_rest
from models.pinyin import address_said, after, beginnings, tails
from models.places import fold, index


@pytest.mark.parametrize(
    ("address", "pinyin", "initials"),
    [
        ("松江区文诚路8号", "wenchenglu8hao wcl8h", "wcl8h"),
        ("上海市松江区方松街道文诚路１３９９弄二十三号", "wenchenglu1399nong23hao wcl1399n23h",
         "wcl1399n23h"),
        ("重庆路9号", "zhongqinglu9hao chongqinglu9hao zql9h cql9h", "zql9h"),
        ("Road 7", "road7", "road7"),
        ("！", None, None),
    ],
)  # fmt: skip
def test_addresses_are_read_from_their_road_on(
    address: str, pinyin: str | None, initials: str | None
) -> None:
    assert address_said(*road_and_rest(fold(address))) == (pinyin, initials)


def test_an_address_that_is_the_name_is_kept_once() -> None:
    assert index("文诚路8号", "文诚路 8 号").address_pinyin is None
    assert index("文诚路8号").address_initials is None


def test_long_addresses_are_cut_to_what_an_index_takes() -> None:
    pinyin, initials = address_said(*road_and_rest(fold("重庆长宁" * 500)))
    assert pinyin is not None
    assert initials is not None
    assert len(pinyin) == len(initials) == 800


def test_what_follows_a_region_may_begin_wherever_one_may_end() -> None:
    assert tails("songjiangqurongledonglu1") == ["rongledonglu1"]
    assert tails("xianguolu") == ["guolu", "uolu"]
    assert tails("qulu") == []


@given(beginning=st.text(min_size=3, max_size=9), more=st.text(max_size=9))
def test_what_begins_so_lies_before_what_follows(beginning: str, more: str) -> None:
    assert beginning <= beginning + more < after(beginning)


def test_a_number_that_ends_comes_before_those_that_go_on() -> None:
    (whole, any_) = beginnings("lu12")
    assert whole[0] <= "lu12hao" < whole[1] <= any_[1]
    assert not whole[0] <= "lu120hao" < whole[1]
    assert beginnings("lu") == []
