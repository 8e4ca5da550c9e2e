"""The order of features and where a page of them begins, as SQL.

Rows are in order of ``row_id``, which never changes, unless another order is asked for; ``row_id``
then decides between equals, in the direction of the first key. With both times pinned the set of
rows is fixed too, so a page neither repeats nor misses a feature while others publish.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.db.features_cql import Arguments
from models.db.features_members import member
from models.db.features_query import (
    Order,
    Selection,
    among,
    conditions,
    expression,
    narrowed,
    records,
    sort_key,
)

#: Declared type -> how a sort key is bound.
_KEYS: Final = {
    "text": "text",
    "uuid": "uuid",
    "integer": "bigint",
    "smallint": "bigint",
    "double precision": "float8",
    "date": "date",
    "timestamptz": "timestamptz",
}
_NEVER_NULL: Final = ("id", "key")
#: Datasets that are read side by side where no index on place is used.
_MOST_BRANCHES: Final = 8


def statement(what: Selection, select: Sequence[str], args: Arguments, limit: int | None) -> str:
    """``SELECT`` of the columns ``select`` for the rows of ``what``, in order, at most ``limit``.

    Where an index gives the order, datasets are read one by one and merged, and so are the rows
    that have a sort key and those that have none: what comes before a page, or is another twin's,
    is then never passed. Of an earlier record what was closed since is merged too; that is sorted.
    Of more than :data:`_MOST_BRANCHES` datasets a page is taken from each, and these are sorted.
    """
    what = narrowed(what)
    columns = ", ".join(select)
    tail = f"ORDER BY {_order(what)}"
    if limit is not None:
        tail += f" LIMIT {args.add(limit, 'bigint')}"
    datasets = what.state.datasets
    many = len(datasets) > _MOST_BRANCHES
    if not what.by_index or (limit is None and (many or what.order)):
        where = " AND ".join([*conditions(what, args, among(datasets, args)), *_after(what, args)])
        source = f"{what.table} AS t WHERE {where}"
        if what.gathered:
            # few rows are wanted, so that the planner would look for them in the index of their
            # order, as if spread over it evenly; they lie side by side, perhaps at its end
            source = f"(SELECT * FROM {source} OFFSET 0) AS t"  # noqa: S608
        return f"SELECT {columns} FROM {source} {tail}"  # noqa: S608
    own = ["t.dataset_id = d.id"] if many else [among((one,), args) for one in datasets or (0,)]
    arms = [
        (" AND ".join([*conditions(what, args, one, [held]), *arm]))
        for one in own
        for held in records(what.state, args)
        for arm in _arms(what, args)
    ]
    # within an arm nulls are none or all, so that the order is the index's own
    inner = tail.replace(" NULLS LAST", "")
    if len(arms) == 1 and not many:
        return f"SELECT {columns} FROM {what.table} AS t WHERE {arms[0]} {inner}"  # noqa: S608
    union = " UNION ALL ".join(
        f"(SELECT t.* FROM {what.table} AS t WHERE {arm} {inner})"  # noqa: S608
        for arm in arms
    )
    source = f"({union}) AS t"
    if many:
        source = f"unnest({args.add(list(datasets), 'bigint[]')}) AS d (id), LATERAL {source}"
    return f"SELECT {columns} FROM {source} {tail}"  # noqa: S608


def key_columns(what: Selection) -> list[str]:
    """What the next page begins after: the sort keys as text, and the row."""
    return [*(f"({_key(what, o)})::text" for o in what.order), "t.row_id"]


def _key(what: Selection, order: Order) -> str:
    if order.member is None:
        column = expression(what.table, order.name)
    else:
        column = member(expression(what.table, order.member.path[0]), order.member)
    return sort_key(column, order.declared)


def _falling(what: Selection) -> bool:
    return bool(what.order) and what.order[0].descending


def _order(what: Selection) -> str:
    keys = [f"{_key(what, o)} {'DESC' if o.descending else 'ASC'} NULLS LAST" for o in what.order]
    return ", ".join([*keys, f"t.row_id {'DESC' if _falling(what) else 'ASC'}"])


def _arms(what: Selection, args: Arguments) -> list[list[str]]:
    """Conditions of the rows that have the sort key, and of those that have none, beyond the page
    before. Each is a range of the index that gives the order."""
    sign = "<" if _falling(what) else ">"
    *values, last = what.after or (None,)
    if not what.order:
        return [[] if last is None else [f"t.row_id {sign} {args.add(last, 'bigint')}"]]
    (order,) = what.order
    key = _key(what, order)
    missing = [] if order.name in _NEVER_NULL else [[f"{key} IS NULL"]]
    if last is None:
        return [[f"{key} IS NOT NULL"], *missing]
    if values[0] is None:
        return [[f"{key} IS NULL", f"t.row_id {sign} {args.add(last, 'bigint')}"]]
    place = f"({args.add(values[0], _KEYS[order.declared])}, {args.add(last, 'bigint')})"
    return [[f"({key}, t.row_id) {sign} {place}"], *missing]


def _after(what: Selection, args: Arguments) -> list[str]:
    """The rows that follow the last one of the page before; nulls come last in both directions."""
    if what.after is None:
        return []
    *values, row_id = what.after
    arms, equal = [], ""
    for order, value in zip(what.order, values, strict=True):
        column = _key(what, order)
        if value is None:
            equal += f"{column} IS NULL AND "
            continue
        bound = args.add(value, _KEYS[order.declared])
        sign = "<" if order.descending else ">"
        arms.append(f"({equal}({column} {sign} {bound} OR {column} IS NULL))")
        equal += f"{column} = {bound} AND "
    sign = "<" if _falling(what) else ">"
    arms.append(f"({equal}t.row_id {sign} {args.add(row_id, 'bigint')})")
    return [f"({' OR '.join(arms)})"]
