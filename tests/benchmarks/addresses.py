"""Made-up names and addresses in the manner of a Chinese city, the same for every run.

Roads, lanes (弄), numbers, estates, shops and schools are put together from common parts of names;
none of them stands for a real place or person.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from models.places import Place

EAST, NORTH, SPAN = 610_000.0, 3_425_000.0, 20_000.0
_FIRST: Final = "沪松荣新中广文谷泗梅北玉通银长重乐茸松江方塔思贤人民"
_SECOND: Final = "松乐南山富诚阳泾家翠树波行安庆都平汇华东塘浦桥源园泽"
_ROADS: Final = ("路", "公路", "大道", "街", "支路", "东路", "西路", "南路", "北路")
_ESTATES: Final = ("苑", "花园", "新村", "公寓", "华庭", "小区", "名邸", "家园")
_SHOPS: Final = (
    "超市", "大药房", "幼儿园", "小学", "中学", "卫生服务中心", "银行支行", "商务大厦", "科技园",
    "菜场", "地铁站", "停车场", "变电站", "泵站", "社区服务中心",
)  # fmt: skip
_TOWNS: Final = ("岳阳街道", "永丰街道", "方松街道", "中山街道", "九亭镇", "泗泾镇", "新桥镇")


def roads(count: int = 700) -> list[str]:
    """Names of roads, no two alike."""
    pick = Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        found[pick.choice(_FIRST) + pick.choice(_SECOND) + pick.choice(_ROADS)] = None
    return list(found)


def places(count: int) -> Iterator[Place]:
    """``count`` places: houses in lanes, estates, shops and offices with their addresses."""
    pick = Random(2)
    streets = roads()
    for number in range(count):
        road, town = pick.choice(streets), pick.choice(_TOWNS)
        stem = pick.choice(_FIRST) + pick.choice(_SECOND)
        at = f"上海市松江区{town}{road}"
        lane, house = pick.randrange(1, 3000), pick.randrange(1, 200)
        match number % 5:
            case 0 | 1:
                kind, name, address = "address", f"{road}{lane}弄{house}号", None
            case 2:
                kind, name = "building", f"{stem}{pick.choice(_ESTATES)}{house % 60 + 1}号楼"
                address = f"{at}{lane}弄"
            case 3:
                kind, name = "place", f"{stem}{pick.choice(_SHOPS)}"
                address = f"{at}{lane}号"
            case _:
                kind, name = "place", f"{stem}{pick.choice(_SHOPS)}({road}店)"
                address = f"{at}{lane}弄{house}号"
        x, y = (start + pick.uniform(0, SPAN) for start in (EAST, NORTH))
        yield Place(kind, name, address, None, None, x, y)
