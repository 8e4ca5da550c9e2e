"""Which features a question is about, as SQL conditions.

Text in a statement comes from :mod:`models.features` and from here; whatever a client wrote is
bound.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import shapely

from models.cql2.tree import Call, Expression, Literal, Property
from models.db.features_cql import Arguments, sql_of
from models.db.features_members import conjuncts
from models.db.features_state import State
from models.features import SORTED, TABLES

_OPEN: Final = ("valid_from", "valid_to", "tx_from")
#: Characters of a text that decide its place in an order: an index takes no long ones.
LEADING: Final = 200


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key: the property, its declared type, and whether it falls. ``member`` is the one
    of a JSON column that it names, if any."""

    name: str
    declared: str
    descending: bool = False
    member: Property | None = None


@dataclass(frozen=True, slots=True)
class Heights:
    """From ``low`` to ``high``, both plus ``east``·x + ``north``·y: metres of the 1985 datum at a
    place of the storage CRS."""

    low: float
    high: float
    east: float = 0.0
    north: float = 0.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which features: ``table`` in the storage CRS ``srid``, at ``state``.

    ``since`` begins an interval of valid time that ends at the state's moment; of each feature its
    last content in it is answered (``interval``). ``spatial`` tells that an index on place serves
    the filter. ``box`` is a shapely polygon in the storage CRS. ``after`` are the sort keys and the
    ``row_id`` of the last feature of the page before. ``wide`` tells that its place leaves many
    features, ``gathered`` that there are so few that they are found first, then put in order.
    """

    table: str
    srid: int
    state: State
    ids: tuple[Any, ...] = ()
    filter: Expression | None = None
    box: Any = None
    heights: Heights | None = None
    since: dt.datetime | None = None
    interval: bool = False
    order: tuple[Order, ...] = ()
    after: tuple[Any, ...] | None = None
    spatial: bool = False
    wide: bool = False
    gathered: bool = False

    @property
    def placed(self) -> bool:
        """Whether few rows are left by an index on place or by ids."""
        return not self.wide and (self.spatial or self.box is not None or bool(self.ids))

    @property
    def ordered(self) -> bool:
        """Whether an index gives the order of what is current, so that none of it is sorted."""
        if not self.order:
            return True
        (first, *others) = self.order
        indexed = (*SORTED[self.table], "id")
        return not others and first.member is None and first.name in indexed

    @property
    def by_index(self) -> bool:
        """Whether what is current is read in the order of an index."""
        return self.ordered and not self.placed


def expression(table: str, name: str) -> str:
    """The SQL of a property of ``table``, qualified by ``t``; open ends of times are null."""
    if name == "geometry":
        return "t.geom"
    if name == "dataset":
        return "(SELECT d.name FROM dataset AS d WHERE d.id = t.dataset_id)"
    if name in _OPEN:
        return f"nullif(nullif(t.{name}, 'infinity'), '-infinity')"
    if name not in TABLES[table]:
        raise KeyError(name)
    return f"t.{name}"


def plan(table: str) -> str:
    """The SQL of a feature's outline in plan: GEOS takes no polyhedral surface."""
    if TABLES[table]["geom"] == "geometry(PolyhedralSurfaceZ)":
        return "ST_ConvexHull(ST_Force2D(ST_Points(t.geom)))"
    return "t.geom"


def sort_key(column: str, declared: str) -> str:
    """What ``column`` is put in order by: texts by their first characters, as code points."""
    return f'"left"({column} COLLATE "C", {LEADING})' if declared == "text" else column


def among(datasets: Sequence[int], args: Arguments) -> str:
    """The condition that a row is of one of ``datasets``."""
    if len(datasets) == 1:
        return f"t.dataset_id = {args.add(datasets[0], 'bigint')}"
    return f"t.dataset_id = ANY({args.add(list(datasets), 'bigint[]')})"


def records(state: State, args: Arguments) -> list[str]:
    """The conditions of record time of which a row must meet one; none meets two.

    First what is still held, which partial indexes serve; then, where ``state`` is not the newest,
    what was closed since.
    """
    if state.current:
        return ["t.tx_to = 'infinity'"]
    held = args.add(state.recorded, "timestamptz")
    return [
        f"t.tx_to = 'infinity' AND t.tx_from <= {held}",
        f"t.tx_to < 'infinity' AND t.tx_to > {held} AND t.tx_from <= {held}",
    ]


def conditions(
    what: Selection, args: Arguments, dataset: str, held: Sequence[str] | None = None
) -> list[str]:
    """What the rows of ``what`` have to be, wherever a page begins; ``dataset`` is the condition
    on their dataset, ``held`` those of :func:`records` of which one must be met (None: all of
    them). Values are added to ``args``."""
    state = what.state
    held = records(state, args) if held is None else held
    out = [dataset, f"({' OR '.join(f'({one})' for one in held)})"]
    moment = args.add(state.moment, "timestamptz")
    out.append(f"t.valid_from <= {moment}")
    if what.interval:
        since = args.add(what.since or dt.datetime.min.replace(tzinfo=dt.UTC), "timestamptz")
        recorded = args.add(state.recorded, "timestamptz")
        out.append(f"t.valid_to > {since}")
        out.append(
            f"(t.valid_to > {moment} OR NOT EXISTS (SELECT FROM {what.table} AS n "
            f"WHERE n.id = t.id AND n.tx_from <= {recorded} AND n.tx_to > {recorded} "
            f"AND n.valid_from >= t.valid_to AND n.valid_from <= {moment}))"
        )
    else:
        out.append(f"t.valid_to > {moment}")
    if what.ids:
        out.append(f"t.id = ANY({args.add(list(what.ids), 'uuid[]')})")
    if what.box is not None:
        box = f"ST_GeomFromWKB({args.add(shapely.to_wkb(what.box), 'bytea')}, {what.srid})"
        outline = plan(what.table)
        out.append(f"ST_Intersects({outline}, {box})")
        if outline != "t.geom":
            out.append(f"t.geom && {box}")
    if what.heights is not None:
        out += _between(what.table, what.heights, args)
    if what.filter is not None:
        columns = _Columns(what.table)
        outline = plan(what.table)
        ends = {name: f"t.{name}" for name in _OPEN}
        where = sql_of(what.filter, columns, args, srid=what.srid, plan=outline, ends=ends)
        out.append(f"({where})")
        out += _found(what.table, what.filter, args)
    return out


def _between(table: str, heights: Heights, args: Arguments) -> Iterator[str]:
    """That a body reaches into a range of heights: of a building, from its base to its top."""
    low, high = args.add(heights.low, "float8"), args.add(heights.high, "float8")
    if heights.east or heights.north:
        east, north = args.add(heights.east, "float8"), args.add(heights.north, "float8")
        here = f" + {east} * ST_XMin(t.geom) + {north} * ST_YMin(t.geom)"
        low, high = low + here, high + here
    foot, top = "ST_ZMin(t.geom)", "ST_ZMax(t.geom)"
    if {"base_height", "height"} <= TABLES[table].keys():
        foot = f"coalesce(t.base_height, {foot})"
        top = f"coalesce(t.base_height, {top}) + coalesce(t.height, 0)"
    yield f"{top} >= {low}"
    yield f"{foot} <= {high}"


def narrowed(what: Selection) -> Selection:
    """The same features, with those datasets alone that the filter names, if it names any.

    No row is then asked for the name of its dataset, and no other dataset is read.
    """
    if what.filter is None:
        return what
    names = frozenset(what.state.names)
    rest: list[Expression] = []
    for part in conjuncts(what.filter):
        named = _datasets(part)
        if named is None:
            rest.append(part)
        else:
            names &= named
    held = dict(zip(what.state.datasets, what.state.names, strict=True))
    held = {dataset: name for dataset, name in held.items() if name in names}
    left: Expression | None = Call("and", tuple(rest)) if len(rest) > 1 else None
    return replace(
        what,
        state=replace(what.state, datasets=tuple(held), names=tuple(held.values())),
        filter=rest[0] if len(rest) == 1 else left,
    )


def _datasets(part: Expression) -> frozenset[Any] | None:
    """The names of which that of a row's dataset must be one; None where ``part`` asks more."""
    match part:
        case Call("=", (Property("dataset", path=()), Literal(value))):
            return frozenset({value})
        case Call("=", (Literal(value), Property("dataset", path=()))):
            return frozenset({value})
        case Call("in", (Property("dataset", path=()), *values)):
            found = [one.value for one in values if isinstance(one, Literal)]
            return frozenset(found) if len(found) == len(values) else None
    return None


def _found(table: str, filter_: Expression, args: Arguments) -> Iterator[str]:
    """What the index of a sortable text can be asked besides the filter, which implies it."""
    for part in conjuncts(filter_):
        match part:
            case Call("=", (Property() as node, Literal(str() as value, _))):
                if not node.path and node.name in SORTED[table]:
                    key = sort_key(expression(table, node.name), "text")
                    yield f"{key} = {args.add(value[:LEADING], 'text')}"


class _Columns(dict[str, str]):
    def __init__(self, table: str) -> None:
        self.table = table

    def __missing__(self, name: str) -> str:
        return expression(self.table, name)
