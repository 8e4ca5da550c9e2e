from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from models.places import ask, fold, index, is_chinese, pairs, score

NAMES = ("松江枢纽", "长宁路88号", "银行大厦", "重庆路小学", "前湾中心 T2", "Hongqiao 大厦")


def test_text_is_folded() -> None:
    assert fold("　松江—枢纽，Ｔ２ (北)") == "松江 枢纽 t2 北"
    assert fold("!!") == ""
    assert is_chinese(fold("路 1"))
    assert not is_chinese(fold("road 1"))


def test_pairs_ask_for_neighbours_and_words() -> None:
    assert pairs(fold("中山路100号")) == ["中山", "山路", "100号"]
    assert pairs("") == []


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("松江枢纽", "songjiangshuniu"),
        ("长宁路", "changninglu"),
        ("银行大厦", "yinhangdasha"),
        ("重庆路", "chongqinglu"),
        ("T2航站楼", "t2hangzhanlou"),
    ],
)
def test_every_usual_reading_is_kept(name: str, spoken: str) -> None:
    assert spoken in index(name).pinyin.split()


def test_initials_can_be_typed_from_the_beginning() -> None:
    grams = index("松江枢纽").grams
    assert [g for g in grams if g.startswith("~")] == ["~s", "~sj", "~sjs", "~sjsn"]
    assert "~cn" in index("长宁路").grams


@given(name=st.text(max_size=40), address=st.none() | st.text(max_size=40))
@configured(deadline=None)
def test_what_is_asked_of_a_name_is_among_what_it_is_found_by(
    name: str, address: str | None
) -> None:
    kept = index(name, address)
    assert set(pairs(fold(name))) <= set(kept.grams)
    assert set(pairs(fold(address or ""))) <= set(kept.grams)
    assert fold(fold(name)) == fold(name)


def test_better_answers_score_higher() -> None:
    def rank(question: str, name: str, address: str = "") -> float:
        said = index(name, address)
        return score(ask(question), said.search, said.pinyin)

    whole = rank("松江枢纽", "松江枢纽")
    beginning = rank("松江", "松江枢纽")
    part = rank("枢纽", "松江枢纽")
    address = rank("中山路", "长城大厦", "松江区中山路8号")
    turned = rank("8号 中山路 松江", "长城大厦", "松江区中山路8号")
    other = rank("松江枢纽", "浦东机场")
    assert 1.0 == whole > beginning > part > address > turned > other
    assert rank("sjsn", "松江枢纽") > rank("sjsn", "松江中学")
    assert rank("songjiangshuniu", "松江枢纽") > rank("songjiang", "松江枢纽")
    assert rank("songjiangshunui", "松江枢纽") > 0.3  # two letters changed places
