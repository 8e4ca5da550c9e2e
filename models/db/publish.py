"""Publishing deliveries: one transaction, one revision, history kept in both times.

A publication says: from ``valid_from`` on, until the next later-dated revision of the same dataset,
the dataset is exactly what was delivered. Rows that already say so are left alone. For the others
record time is closed and, for the time before and after, what was true is recorded again, so that
``datetime=`` and ``as_of=`` reads find every earlier state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Any, Final

from psycopg import sql

from models.crs import STORAGE, StorageCrs
from models.db import attributes, ledger, staging
from models.db.connection import Connection
from models.db.errors import ContinuityError, PublishError, UpdateError, translated
from models.db.meshes import require_meshes, store_meshes
from models.db.owners import require_consent
from models.db.statements import statement
from models.features import THEME_TABLES, Delivery, Theme

#: A date of a delivery is a day of China Standard Time.
CHINA: Final = timezone(timedelta(hours=8), "CST")


@dataclass(frozen=True, slots=True)
class TableCounts:
    """What a publication did to one table, in features; delivered = inserted+changed+unchanged."""

    inserted: int
    changed: int
    closed: int
    unchanged: int

    @property
    def touched(self) -> int:
        """Features whose stored content differs now."""
        return self.inserted + self.changed + self.closed


@dataclass(frozen=True, slots=True)
class PublishResult:
    """``new`` is False where the delivery said nothing new: then ``revision_id`` is the newest
    earlier revision and nothing was written. ``number`` counts revisions of the dataset from 1."""

    revision_id: int
    number: int
    new: bool
    valid_from: datetime
    recorded: datetime
    tables: dict[str, TableCounts]


@translated
def publish(
    conn: Connection,
    *,
    twin: str,
    dataset: str,
    deliveries: Sequence[Delivery],
    storage: StorageCrs = STORAGE,
    complete: bool = True,
    may_end: float | None = None,
    organisation: str | None = None,
    agreed: Collection[str] | None = None,
) -> PublishResult:
    """Store ``deliveries`` (already in the storage CRS, with ``id``) as a revision of ``dataset``.

    All deliveries of one theme form the dataset together; a table that none of them brings has no
    rows. ``complete=False`` leaves features alone that the deliveries do not name, as is right
    when rows were refused. A publication without ``valid_from`` is valid from now. It makes a new
    revision if a row differs or if it declares a date that no revision has; else none.
    ``may_end`` is the share (0 to 1) of the features held that a complete delivery may end by
    leaving them out; it is judged by the plan, before anything is written. None: no limit.
    ``organisation`` is who delivers. ``agreed`` are those who agreed that features of theirs are
    changed or ended (:func:`models.db.owners.require_consent`); None: nobody is asked.

    Either all of it is stored or nothing. Publishers of one twin queue. Raises
    :class:`UnknownTwinError`, :class:`DuplicateIdError`, :class:`PublishError`,
    :class:`UpdateError`, which tells both where both are exceeded, :class:`DatabaseError`.
    """
    theme, declared = _common(dataset, deliveries)
    tables = THEME_TABLES[theme]
    staging.require_ids(tables, deliveries)
    require_meshes(deliveries)
    with conn.transaction():
        for setting in ("timezone = 'UTC'", "datestyle = 'ISO, YMD'", "extra_float_digits = 1"):
            conn.execute(f"SET LOCAL {setting}".encode())
        key = f"cim-twin/{twin}"
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        ledger.require_storage(conn, storage)
        dataset_id = ledger.require_dataset(conn, twin, dataset, deliveries[0], organisation)
        moment = ledger.moments(conn, dataset_id, declared)
        period = {"start": moment.start, "end": moment.end, "dataset": dataset_id}
        counts = {
            table: _plan(conn, table, deliveries, {**period, "complete": complete}, storage.srid)
            for table in tables
        }
        troubles: list[UpdateError] = []
        with _collecting(troubles):
            if may_end is not None:
                _require_continuity(dataset, counts.values(), may_end)
        with _collecting(troubles):
            if agreed is not None:
                require_consent(conn, dataset, dataset_id, tables, deliveries, organisation, agreed)
        if troubles:
            raise _joined(troubles)
        touched = sum(c.touched for c in counts.values())
        if not touched and moment.last_id is not None and (not declared or moment.known):
            new, revision, number = False, moment.last_id, moment.last
        else:
            new, number = True, moment.last + 1
            store_meshes(conn, deliveries)
            said = {table: asdict(c) for table, c in counts.items()}
            revision = ledger.add_revision(conn, dataset_id, number, moment, said, complete)
            files = ledger.add_source_files(conn, revision, deliveries)
            values = {**period, "revision": revision, "recorded": moment.recorded}
            for table in tables:
                if counts[table].touched:
                    _apply(conn, table, {**values, "files": files})
                    _count_anew(conn, table, counts[table].touched)
                    attributes.record(conn, dataset_id, revision, table)
            ledger.remember_passport(conn, dataset_id, deliveries[0], organisation)
        # temporary tables would otherwise stay until the caller's own transaction ends
        staging.drop(conn, tables)
    return PublishResult(revision, number, new, moment.start, moment.recorded, counts)


def _count_anew(conn: Connection, table: str, touched: int) -> None:
    """Statistics of a table of which at least a tenth is ``touched``: the server's own come a
    minute too late for what reads it next, whose plan is then made for an empty table."""
    query = "SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = %s::regclass"
    row = conn.execute(query, (table,)).fetchone()
    if row is not None and touched * 10 >= row[0]:
        conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _common(dataset: str, deliveries: Sequence[Delivery]) -> tuple[Theme, datetime | None]:
    """The one theme and the one valid date of the deliveries."""
    if not deliveries:
        raise PublishError(
            f"Dataset {dataset} needs at least one delivery. Name a file.",
            f"数据集 {dataset} 至少需要一份提交。请指定文件。",
        )
    themes = {d.theme for d in deliveries}
    dates = {d.valid_from for d in deliveries}
    if len(themes) != 1 or len(dates) != 1:
        what = ", ".join(sorted(themes)) + " / " + ", ".join(sorted(map(str, dates)))
        raise PublishError(
            f"The deliveries of dataset {dataset} must have one theme and one valid date; found: "
            f"{what}. Publish them as separate datasets or one after the other.",
            f"数据集 {dataset} 的各份提交必须主题相同、生效日期相同;实际为:{what}。"
            "请分成不同数据集,或依次发布。",
        )
    date = dates.pop()
    start = None if date is None else datetime.combine(date, time(), CHINA)
    return themes.pop(), start


def _require_continuity(dataset: str, plan: Iterable[TableCounts], may_end: float) -> None:
    """Raise where the delivery leaves out more than the share ``may_end`` of what is held."""
    closed = held = 0
    for counts in plan:
        closed += counts.closed
        held += counts.closed + counts.changed + counts.unchanged
    if closed > held * may_end:
        raise ContinuityError(dataset, held, closed)


@contextmanager
def _collecting(troubles: list[UpdateError]) -> Iterator[None]:
    try:
        yield
    except UpdateError as error:
        troubles.append(error)


def _joined(troubles: Sequence[UpdateError]) -> UpdateError:
    """One error that says all."""
    if len(troubles) == 1:
        return troubles[0]
    return UpdateError(" ".join(e.en for e in troubles), "".join(e.zh for e in troubles))


def _plan(
    conn: Connection,
    table: str,
    deliveries: Sequence[Delivery],
    values: dict[str, Any],
    srid: int,
) -> TableCounts:
    """Stage the table and work out what differs; changes no stored row."""
    staging.stage(conn, table, deliveries, srid)
    parts = staging.parts(table)
    conn.execute(statement("publish_hash", **parts))
    conn.execute(staging.analyze(table))
    unchanged = conn.execute(statement("publish_unchanged", **parts), values).rowcount
    conn.execute(statement("publish_gone", **parts), values)
    row = conn.execute(statement("publish_counts", **parts)).fetchone()
    assert row is not None
    fresh, changed, closed = row
    return TableCounts(fresh - changed, changed, closed, unchanged)


def _apply(conn: Connection, table: str, values: dict[str, Any]) -> None:
    parts = staging.parts(table)
    conn.execute(statement("publish_close", **parts), values)
    conn.execute(statement("publish_insert", **parts), values)
