"""Addresses found by how they sound."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as configured
from hypothesis import strategies as st
from pypinyin import Style, lazy_pinyin

from models.db import places, places_store
from models.db.connection import Connection
from models.db.pool import open_pool
from models.places import Place
from models.testing import Twin

TWIN = Twin().id
#: Names, and addresses that say other things than they.
TABLE = {
    "社区书店": "松江区荣乐东路123号",
    "大药房": "上海市松江区荣乐东路1234号",
    "菜场": "松江区荣乐东路12弄5号",
    "小学": "上海市松江区方松街道沪松公路1399弄二十三号",
    "邮局": "长宁区长宁路88号",
    "银行": "重庆路9号",
    "村委会": "九亭镇朱龙村35号",
    "物业": "泗博路66弄12号楼301室",
    "展厅": "Road 77",
}


def store(conn: Connection, table: dict[str, str]) -> None:
    made = [
        Place("place", name, at, None, None, 617_000.0, 3_429_000.0) for name, at in table.items()
    ]
    places_store.store(conn, TWIN, "made", "1", made)


def found(url: str, *questions: str) -> list[list[str]]:
    """Names that answer each question, best first."""

    async def asked() -> list[list[str]]:
        async with open_pool(url) as pool:
            return [[p.name for p in await places.search(pool, TWIN, q, 10)] for q in questions]

    return asyncio.run(asked())


MEANT = {
    "rongledonglu123": "社区书店",
    "rong le dong lu 123": "社区书店",
    "Rong Le Dong Lu 123 Hao": "社区书店",
    "rldl123": "社区书店",
    "rldl1234": "大药房",
    "rldl12n": "菜场",
    "荣乐donglu123": "社区书店",
    "rongle东路1234": "大药房",
    "松江区rongledonglu123号": "社区书店",
    "songjiangqu rongledonglu 123 hao": "社区书店",
    "rongledonglu12nong": "菜场",
    "donglu1234": "大药房",
    "荣勒东路123号": "社区书店",
    "husonggonglu1399nong23hao": "小学",
    "hsgl1399n23h": "小学",
    "changninglu88": "邮局",
    "zhangninglu88": "邮局",
    "cnl88": "邮局",
    "chongqinglu": "银行",
    "cql9": "银行",
    "zhulongcun35": "村委会",
    "sibolu66nong12haolou301shi": "物业",
    "road 77": "展厅",
}


def test_addresses_are_found_by_pinyin_and_initials(conn: Connection, database: str) -> None:
    store(conn, TABLE)
    answers = found(database, *MEANT)
    assert {q: (a or [""])[0] for q, a in zip(MEANT, answers, strict=True)} == MEANT


def test_every_beginning_is_completed(conn: Connection, database: str) -> None:
    store(conn, TABLE)
    typed = "rongledonglu123hao"
    beginnings = [typed[:n] for n in range(3, len(typed) + 1)]
    for beginning, answer in zip(beginnings, found(database, *beginnings), strict=True):
        assert "社区书店" in answer, beginning


def test_the_number_that_is_asked_for_is_not_lost_among_longer_ones(
    conn: Connection, database: str
) -> None:
    store(
        conn, {f"店{n}": f"荣乐东路{n}号" for n in [12, *range(1200, 1299), *range(12000, 12200)]}
    )
    assert [answer[0] for answer in found(database, "rongledonglu12", "rldl12")] == ["店12"] * 2


def test_names_come_before_addresses(conn: Connection, database: str) -> None:
    store(conn, {"荣乐中学": "玉树路5号", "书店": "荣乐中路5号"})
    assert found(database, "rongle", "rlz") == [["荣乐中学", "书店"]] * 2


@pytest.mark.parametrize("typed", ["jinyulu9", "zzzzqqq", "jyl9", "松江区jinyulu9"])
def test_what_no_address_sounds_like_is_no_answer(
    conn: Connection, database: str, typed: str
) -> None:
    store(conn, {"书店": "荣乐中路5号"})
    assert found(database, typed) == [[]]


CHARACTERS = st.characters(codec="gb2312", min_codepoint=0x4E00, max_codepoint=0x9FFF)
PARTS = st.tuples(
    st.sampled_from(["", "松江区", "上海市松江区方松街道", "九亭镇"]),
    st.text(CHARACTERS, min_size=1, max_size=5),
    st.sampled_from(["路", "公路", "大道", "支路", "街", "村", ""]),
    st.sampled_from(["", "5弄", "1399弄", "88弄6支弄"]),
    st.integers(1, 9999).map(lambda n: f"{n}号"),
)


def said(text: str) -> list[str]:
    """Syllables and numbers, each character by itself in its most usual reading."""
    return [lazy_pinyin(c, style=Style.NORMAL, v_to_u=False)[0] for c in text]


@given(parts=st.lists(PARTS, min_size=1, max_size=6))
@configured(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_address_is_stored_is_found_by_its_pinyin(
    conn: Connection, database: str, parts: list[tuple[str, ...]]
) -> None:
    """From its region or its road on, run together or in words."""
    table = {f"店{n}": "".join(part) for n, part in enumerate(parts)}
    store(conn, table)
    asked: dict[str, str] = {}
    for name, (part, address) in zip(table, zip(parts, table.values(), strict=True), strict=True):
        for text in (address, "".join(part[1:])):
            asked |= {"".join(said(text)): name, " ".join(said(text)): name}
    for (typed, name), answer in zip(asked.items(), found(database, *asked), strict=True):
        assert name in answer, typed
