"""Source attributes: found at publication, filtered by path, beside brute force."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.attributes import DECIMAL, Attribute, named, properties
from models.cql2 import Kind, NotListedError, Property, parse
from models.db import attributes, twins
from models.db.connection import Connection, connect
from models.db.features_cql import Arguments, sql_of
from models.db.features_items import Order, Selection, fetch
from models.db.features_order import statement
from models.db.features_state import read_state
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import Twin, buildings, delivery
from tests.models.cql2.brute_force import evaluate
from tests.models.cql2.filters import any_op, op
from tests.twin.ogc.city import elements

HOSTILE = "x'); DROP TABLE building; --"
#: Name -> values that features may have; "absent" stands for no member at all.
VALUES: dict[str, list[Any]] = {
    "attrs.井深": [1.5, 2, 2.25, 40, "absent", None],
    "attrs.管径": ["300", "400", "1.25", 300, "absent"],
    "attrs.材质": ["砼", "PE", "", "it's", "absent", None],
    "attrs.编 号": ["0012", "A-7", 12, True, ["x"], "absent"],
    "attrs.利用": [True, False, "absent"],
    "attrs.casing.width": [200, 250.5, "absent"],
    f"attrs.{HOSTILE}": ["a", "b", "absent"],
}
Ask = Callable[[Any], list[str]]


def rows(count: int) -> list[dict[str, Any]]:
    """``attrs`` of features; some have none at all."""
    pick = random.Random(11)
    out: list[dict[str, Any]] = []
    for _ in range(count):
        one: dict[str, Any] = {}
        for name, values in VALUES.items():
            value = pick.choice(values)
            *outer, last = (
                name.removeprefix("attrs.").split(".") if "casing" in name else [name[6:]]
            )
            if value != "absent":
                (one.setdefault(outer[0], {}) if outer else one)[last] = value
        out.append(one)
    out[0] = None  # type: ignore[call-overload]
    return out


ROWS = rows(80)


def expected(attrs: dict[str, Any] | None, one: Property) -> Any:
    """What a member is to a filter: null where it is absent or of another kind."""
    found: Any = attrs
    for name in one.path[1:]:
        found = found.get(name) if isinstance(found, dict) else None
    if one.kind == Kind.BOOLEAN:
        return found if isinstance(found, bool) else None
    if one.kind == Kind.NUMBER:
        if isinstance(found, str) and re.fullmatch(DECIMAL.strip("^$"), found):
            return float(found)
        return None if isinstance(found, bool | str) else found
    if isinstance(found, bool | int | float):
        return orjson.dumps(found).decode()
    return found if isinstance(found, str) else None


def put(conn: Connection, attrs: list[Any], dataset: str = "made") -> None:
    table = buildings({f"k{i:03}": 10.0 for i in range(len(attrs))}, dataset=dataset)
    table["attrs"] = attrs
    made = delivery(Theme.BUILDINGS, {"building": table})
    publish(conn, twin="test", dataset=dataset, deliveries=[made])


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def reader(database: str, loop: asyncio.AbstractEventLoop) -> Iterator[asyncpg.Connection]:
    driver = loop.run_until_complete(asyncpg.connect(database))
    yield driver
    loop.run_until_complete(driver.close())


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        yield conn


@pytest.fixture
def listed(
    conn: Connection, reader: asyncpg.Connection, loop: asyncio.AbstractEventLoop
) -> dict[str, Property]:
    put(conn, ROWS)
    found = loop.run_until_complete(attributes.read(reader, "test", "building"))
    return properties(named(found, {}))


def test_attributes_are_what_their_values_are(listed: dict[str, Property]) -> None:
    assert {n: (p.kind, p.exact) for n, p in listed.items()} == {
        "attrs.井深": (Kind.NUMBER, True),
        "attrs.管径": (Kind.NUMBER, False),
        "attrs.材质": (Kind.TEXT, True),
        "attrs.编 号": (Kind.TEXT, False),
        "attrs.利用": (Kind.BOOLEAN, True),
        "attrs.casing.width": (Kind.NUMBER, True),
        f"attrs.{HOSTILE}": (Kind.TEXT, True),
    }


def test_what_a_later_publication_brings_is_added(
    conn: Connection, listed: dict[str, Property], reader: Any, loop: asyncio.AbstractEventLoop
) -> None:
    put(conn, [{"井深": "不详", "新": [1, 2]}], dataset="second")
    found = loop.run_until_complete(attributes.read(reader, "test", "building"))
    again = properties(named(found, {}))
    assert again["attrs.井深"].kind == Kind.TEXT  # a word among numbers
    assert "attrs.新" not in again  # lists cannot be compared
    assert {a.name for a in found} >= {"attrs.新"}
    assert loop.run_until_complete(attributes.read(reader, "other", "building")) == []


def test_decimals_are_no_codes() -> None:
    for text in ("0", "-1.5", "300", "0.25"):
        assert re.match(DECIMAL, text), text
    for text in ("0012", "1e3", "", "1.", ".5", "1" * 16, "12 ", "１２", "NaN"):
        assert re.match(DECIMAL, text) is None, text


def test_the_first_of_two_with_one_name_is_it() -> None:
    two = [Attribute(("psets", "a.b", "c"), texts=2), Attribute(("psets", "a", "b.c"), texts=1)]
    assert named(two, {}) == {"a.b.c": two[0]}
    assert named(two, {"a.b.c": None}) == {}


def _asked(
    listed: dict[str, Property], reader: asyncpg.Connection, loop: asyncio.AbstractEventLoop
) -> Ask:
    def ask(node: Any) -> list[str]:
        tree = parse(orjson.dumps(node).decode(), listed, language="cql2-json")
        args = Arguments()
        where = sql_of(tree, {"attrs": "t.attrs"}, args, srid=4549, plan="t.geom")
        query = f"SELECT t.key FROM building AS t WHERE {where} ORDER BY 1"
        return [row[0] for row in loop.run_until_complete(reader.fetch(query, *args.values))]

    return ask


def prop(*names: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([{"property": name} for name in names])


NUMBERS = prop("attrs.井深", "attrs.管径", "attrs.casing.width")
TEXTS = prop("attrs.材质", "attrs.编 号", f"attrs.{HOSTILE}")
BOOLEANS = prop("attrs.利用")
number = st.sampled_from([0.0, 1.25, 1.5, 2.0, 40.0, 250.5, 300.0, 2.0**60])
word = st.sampled_from(["砼", "PE", "", "it's", "0012", "12", "true", "a", '["x"]'])
COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
conditions = st.recursive(
    st.one_of(
        any_op(COMPARISONS, NUMBERS, st.one_of(number, NUMBERS)),
        any_op(COMPARISONS, TEXTS, word),
        any_op(("=",), word, TEXTS),
        any_op(("=", "<>"), BOOLEANS, st.booleans()),
        BOOLEANS,
        op("in", NUMBERS, st.lists(number, min_size=1, max_size=3)),
        op("in", TEXTS, st.lists(word, min_size=1, max_size=3)),
        op("between", NUMBERS, number, number),
        op("like", TEXTS, st.sampled_from(["%", "P_", "%'%", "0%"])),
        op("isNull", st.one_of(NUMBERS, TEXTS, BOOLEANS)),
        any_op(("=", "<"), any_op(("+", "*"), NUMBERS, number), number),
    ),
    lambda inner: st.one_of(any_op(("and", "or"), inner, inner), op("not", inner)),
    max_leaves=4,
)


@settings(
    max_examples=150,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(node=conditions)
def test_filters_find_what_brute_force_finds(
    listed: dict[str, Property], reader: Any, loop: asyncio.AbstractEventLoop, node: Any
) -> None:
    wanted = []
    for i, attrs in enumerate(ROWS):
        row = {name: expected(attrs, one) for name, one in listed.items()}
        if evaluate(node, row) is True:
            wanted.append(f"k{i:03}")
    assert _asked(listed, reader, loop)(node) == wanted


def test_features_are_sorted_by_an_attribute(
    listed: dict[str, Property], reader: Any, loop: asyncio.AbstractEventLoop
) -> None:
    one = listed["attrs.管径"]
    values = {f"k{i:03}": expected(a, one) for i, a in enumerate(ROWS)}
    order = Order(one.name, "double precision", True, one)

    async def read() -> list[str]:
        state = await read_state(reader, "test", Theme.BUILDINGS)
        what = Selection("building", 4549, state, order=(order,))
        return [row[0] for row in await fetch(reader, what, ["t.key"], 100)]

    found = [values[key] for key in loop.run_until_complete(read())]
    known = [v for v in found if v is not None]
    assert known == sorted(known, reverse=True)
    assert found[len(known) :] == [None] * (len(found) - len(known))
    assert len(known) == sum(v is not None for v in values.values()) > 0


def test_what_is_no_attribute_is_refused(listed: dict[str, Property]) -> None:
    for name in ("attrs.没有", "attrs", "attrs.casing", "attrs.井深.x", "psets.井深"):
        with pytest.raises(NotListedError):
            parse(f'"{name}" IS NULL', listed)


def test_the_index_on_members_is_used(
    conn: Connection, reader: Any, loop: asyncio.AbstractEventLoop
) -> None:
    put(conn, [{"编号": f"N{i}", "类": "同"} for i in range(3000)], dataset="many")
    conn.execute("ANALYZE building")
    found = loop.run_until_complete(attributes.read(reader, "test", "building"))
    tree = parse("attrs.编号 = 'N77' AND height > 1", {
        **properties(named(found, {})), "height": Kind.NUMBER})  # fmt: skip

    async def plan() -> str:
        state = await read_state(reader, "test", Theme.BUILDINGS)
        what = Selection("building", 4549, state, filter=tree)
        args = Arguments()
        query = statement(what, ["t.key"], args, 10)
        await reader.execute("SET plan_cache_mode = force_custom_plan")
        return str(await reader.fetch(f"EXPLAIN {query}", *args.values))

    assert "building_attrs" in loop.run_until_complete(plan())


def test_psets_are_attributes_too(
    conn: Connection, reader: Any, loop: asyncio.AbstractEventLoop
) -> None:
    table = elements("qianwan", 4)
    table["id"] = [feature_id("test", "model", "bim_element", k) for k in table["key"]]
    made = delivery(Theme.BIM, {"bim_element": table})
    publish(conn, twin="test", dataset="model", deliveries=[made])
    (found,) = loop.run_until_complete(attributes.read(reader, "test", "bim_element"))
    assert (found.name, found.kind, found.booleans) == ("Pset_WallCommon.IsExternal",
                                                        Kind.BOOLEAN, 4)  # fmt: skip
