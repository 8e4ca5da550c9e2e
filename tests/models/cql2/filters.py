"""Random filters in CQL2 JSON, for hypothesis, over the columns of :data:`PROPERTIES`."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from models.cql2 import Kind
from models.cql2.operators import SPATIAL, TEMPORAL_ANY, TEMPORAL_INTERVAL

PROPERTIES = {
    "id": Kind.UUID,
    "name": Kind.TEXT,
    "note": Kind.TEXT,
    "height": Kind.NUMBER,
    "storeys": Kind.NUMBER,
    "built": Kind.DATE,
    "since": Kind.TIMESTAMP,
    "until": Kind.TIMESTAMP,
    "begun": Kind.TIMESTAMP,
    "ended": Kind.TIMESTAMP,
    "tags": Kind.TEXTS,
    "sizes": Kind.NUMBERS,
    "open": Kind.BOOLEAN,
    "part_of": Kind.UUID,
    "geometry": Kind.GEOMETRY,
}
WORDS = ["", "a", "A", "Straße", "STRASSE", "café", "cafe\u0301", "CAFE", "Οδος", "ΟΔΟΣ", "雨水",
         "50%", "a_b", "a\\b", "Å", "it's", "\U0001f600"]  # fmt: skip
NUMBERS = [-3.0, -0.5, 0.0, 0.25, 1.0, 2.0, 7.5, 20.0]
DAYS = [dt.date(2019, 12, 31), dt.date(2020, 1, 1), dt.date(2020, 1, 2), dt.date(2021, 6, 1)]
MOMENTS = [
    dt.datetime(2019, 12, 31, 16, tzinfo=dt.UTC),
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 1, 1, 12, 0, 0, 500_000, tzinfo=dt.UTC),
    dt.datetime(2021, 6, 1, tzinfo=dt.UTC),
]


def prop(*names: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([{"property": name} for name in names])


def op(name: str, *args: Any) -> st.SearchStrategy[Any]:
    return st.tuples(*args).map(lambda found: {"op": name, "args": list(found)})


def any_op(names: tuple[str, ...], *args: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(names).flatmap(lambda name: op(name, *args))


words = st.sampled_from(WORDS)
texts = st.recursive(
    st.one_of(prop("name", "note"), words), lambda inner: any_op(("casei", "accenti"), inner),
    max_leaves=2,
)  # fmt: skip
patterns = st.recursive(
    st.sampled_from(["%", "a%", "%ss%", "_", "caf_", "50\\%", "a\\_b", "%雨%", "straße", ""]),
    lambda inner: any_op(("casei", "accenti"), inner),
    max_leaves=2,
)
plain_numbers = st.one_of(prop("height", "storeys"), st.sampled_from(NUMBERS))
numbers = st.recursive(
    plain_numbers,
    lambda inner: st.one_of(
        any_op(("+", "-", "*", "/", "div"), inner, inner),
        op("%", plain_numbers, plain_numbers),
        op("^", plain_numbers, st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0])),
    ),
    max_leaves=4,
)
days = st.sampled_from(DAYS).map(lambda d: {"date": d.isoformat()})
moments = st.sampled_from(MOMENTS).map(
    lambda m: {"timestamp": m.isoformat().replace("+00:00", "Z")}
)
time_props = prop("built", "since", "until", "begun", "ended")
times = st.one_of(time_props, days, moments)
ends = st.one_of(
    time_props,
    st.sampled_from(["..", "2020-01-01", "2020-01-01T00:00:00Z", "2021-06-01"]),
)
intervals = st.tuples(ends, ends).map(lambda two: {"interval": list(two)})
grid = st.integers(0, 4).map(float)


@st.composite
def boxes(draw: Any) -> list[float]:
    west, south = draw(grid), draw(grid)
    return [west, south, west + draw(st.integers(1, 3)), south + draw(st.integers(1, 3))]


def polygon(box: list[float]) -> dict[str, Any]:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def above(box: list[float]) -> list[float]:
    """A box of the same size that lies a step north of ``box``."""
    west, south, east, north = box
    return [west, north + 1, east, 2 * north + 1 - south]


def multi(kind: str, part: Callable[[list[float]], Any]) -> st.SearchStrategy[Any]:
    return boxes().map(lambda b: {"type": kind, "coordinates": [part(b), part(above(b))]})


simples = (
    st.tuples(grid, grid).map(lambda p: {"type": "Point", "coordinates": list(p)}),
    boxes().map(lambda b: {"type": "LineString", "coordinates": [b[:2], b[2:]]}),
    boxes().map(polygon),
)
simple = st.one_of(*simples)
shapes = st.one_of(
    simple,
    multi("MultiLineString", lambda b: [b[:2], b[2:]]),
    multi("MultiPolygon", lambda b: polygon(b)["coordinates"]),
    boxes().map(lambda b: {"bbox": b}),
    st.tuples(grid, grid).map(
        lambda p: {"type": "MultiPoint", "coordinates": [list(p), [p[0] + 1, p[1]]]}
    ),
)


def collected(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    found = st.lists(part, min_size=1, max_size=3)
    return found.map(lambda members: {"type": "GeometryCollection", "geometries": members})


text_arrays = st.lists(st.sampled_from(["a", "b", "雨水"]), max_size=3)
number_arrays = st.lists(st.sampled_from(NUMBERS), max_size=3)

ids = st.sampled_from(["x", *(str(uuid.UUID(int=n)) for n in range(3))])

COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
ARRAYS = ("a_equals", "a_contains", "a_containedBy", "a_overlaps")
predicates = st.one_of(
    any_op(COMPARISONS, texts, texts),
    any_op(COMPARISONS, numbers, numbers),
    any_op(COMPARISONS, times, times),
    any_op(("=", "<>"), prop("id", "part_of"), ids),
    op("in", prop("id", "part_of"), st.lists(ids, min_size=1, max_size=3)),
    op("between", numbers, numbers, numbers),
    op("like", texts, patterns),
    op("in", texts, st.lists(texts, min_size=1, max_size=3)),
    op("in", numbers, st.lists(plain_numbers, min_size=1, max_size=3)),
    op("in", times, st.lists(times, min_size=1, max_size=3)),
    op("isNull", st.one_of(prop(*PROPERTIES), numbers, texts)),
    any_op(SPATIAL, prop("geometry"), shapes),
    any_op(SPATIAL, shapes, prop("geometry")),
    any_op(SPATIAL, prop("geometry"), st.one_of(*map(collected, simples))),
    # of mixed dimensions GEOS before 3.13 knows no boundary
    any_op(("s_intersects", "s_disjoint"), prop("geometry"), collected(simple)),
    any_op(TEMPORAL_ANY, st.one_of(times, intervals), st.one_of(times, intervals)),
    any_op(TEMPORAL_INTERVAL, intervals, intervals),
    any_op(ARRAYS, prop("tags"), text_arrays),
    any_op(ARRAYS, number_arrays, prop("sizes")),
)
conditions = st.one_of(prop("open"), st.booleans())
filters = st.recursive(
    st.one_of(predicates, conditions),
    lambda inner: st.one_of(
        any_op(("and", "or"), inner, inner),
        op("and", inner, inner, inner),
        op("not", inner),
        any_op(("=", "<>"), inner, inner),
        op("in", inner, st.lists(inner, min_size=1, max_size=2)),
        op("in", inner, st.lists(conditions, min_size=1, max_size=2)),
        op("isNull", inner),
    ),
    max_leaves=5,
)
