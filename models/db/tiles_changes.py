"""What changed in a twin's features since a layer was tiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
from psycopg import sql

from models.db.connection import Connection
from models.db.errors import translated
from models.db.statements import statement
from models.features import THEME_TABLES, Theme, feature_id

I64 = npt.NDArray[np.int64]

_NOW: Final = sql.SQL("tx_to = 'infinity' AND valid_from <= now() AND valid_to > now()")


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a reader has seen a twin: its newest ``revision`` (0: none) at the moment ``seen``.

    Publications of one twin queue, so every revision up to the newest is there. A moment alone
    would not do: a publication records its moment before it commits.
    """

    revision: int
    seen: datetime


@dataclass(frozen=True, slots=True)
class Versions:
    """Rows of some features: all that ever were (``rows`` (n,), of ``ids``), and which are true
    now."""

    rows: I64
    ids: npt.NDArray[np.object_]
    current: npt.NDArray[np.bool_]

    def pairs(self) -> I64:
        """(m, 2) each row with the current one of its feature."""
        now = dict(zip(self.ids[self.current], self.rows[self.current].tolist(), strict=True))
        both: I64 = np.array(
            [
                (row, now[identity])
                for row, identity in zip(self.rows.tolist(), self.ids, strict=True)
                if identity in now
            ],
            np.int64,
        ).reshape(-1, 2)
        return both


@translated
def watermark(conn: Connection, twin: str) -> Watermark:
    """Where the open transaction of ``conn`` stands."""
    row = conn.execute(
        "SELECT coalesce(max(r.id), 0), now() FROM revision AS r"
        " JOIN dataset AS d ON d.id = r.dataset_id WHERE d.twin_id = %s",
        (twin,),
    ).fetchone()
    assert row is not None
    return Watermark(*row)


@translated
def changed(conn: Connection, twin: str, theme: Theme, since: Watermark) -> dict[str, list[UUID]]:
    """Ids of features, by table of ``theme``, that revisions since then touched, or whose validity
    began or ended meanwhile. Some may be as they were."""
    published, moments = statement("tiles_changed_revisions"), {"twin": twin, "theme": theme.value}
    values: dict[str, Any] = {**moments, "revision": since.revision, "seen": since.seen}
    row = conn.execute(published, values).fetchone()
    assert row is not None
    revisions, datasets, recorded, dated, starts = row
    if not revisions and not starts:
        return {table: [] for table in THEME_TABLES[theme]}
    values = {
        "revisions": revisions,
        "datasets": datasets,
        "recorded": recorded,
        "dated": dated,
        "starts": starts,
    }
    # most of the time no date has come up, and looking for it means reading the datasets
    passed = sql.SQL(
        "t.dataset_id = ANY(%(dated)s)"
        " AND (t.valid_from = ANY(%(starts)s) OR t.valid_to = ANY(%(starts)s))"
        if starts
        else "false"
    )
    return {
        table: [
            identity
            for (identity,) in conn.execute(
                statement("tiles_changed_features", table=sql.Identifier(table), passed=passed),
                values,
            )
        ]
        for table in THEME_TABLES[theme]
    }


@translated
def versions(conn: Connection, table: str, ids: Sequence[UUID]) -> Versions:
    """All rows of the features ``ids`` of ``table``."""
    rows = conn.execute(
        sql.SQL("SELECT row_id, id, {} FROM {} WHERE id = ANY(%s)").format(
            _NOW, sql.Identifier(table)
        ),
        (list(ids),),
    ).fetchall()
    numbers, names, current = zip(*rows, strict=True) if rows else ((), (), ())
    return Versions(
        np.array(numbers, np.int64), np.array(names, object), np.array(current, np.bool_)
    )


@dataclass(frozen=True, slots=True)
class Dates:
    """What dates do to tiled layers: twins that are ``due`` at the moment ``asked``, and in how
    many seconds (None: never) the ``next`` date comes."""

    due: tuple[str, ...]
    next: float | None
    asked: datetime


@translated
def dates(conn: Connection, store: str, after: datetime | None = None) -> Dates:
    """Which twins have a layer in ``store`` that a revision recorded ahead has become true in since
    it was tiled, and since the moment ``after``."""
    values = {"store": store, "after": after or datetime.min.replace(tzinfo=UTC)}
    row = conn.execute(statement("tiles_dates"), values).fetchone()
    assert row is not None
    due, seconds, asked = row
    return Dates(tuple(due), seconds, asked)


@translated
def with_buildings(
    conn: Connection, twin: str, buildings: Sequence[UUID], parts: Sequence[UUID]
) -> tuple[list[UUID], list[UUID]]:
    """``buildings`` and ``parts`` with all buildings of those parts and all parts of all these
    buildings, as they are or ever were."""
    rows = conn.execute(
        statement("tiles_changed_parts"), {"buildings": list(buildings), "parts": list(parts)}
    ).fetchall()
    owners = {feature_id(twin, dataset, "building", key) for dataset, key, _ in rows}
    found = {identity for *_, identity in rows}
    return [*{*buildings, *(owners if parts else ())}], [*{*parts, *found}]


@translated
def with_points(conn: Connection, segments: Sequence[UUID], points: Sequence[UUID]) -> list[UUID]:
    """``points``, and those whose looks may depend on them or on ``segments``, as they are or ever
    were: points where these segments end, and where segments end that end at these points."""
    rows = conn.execute(
        statement("tiles_joined_points"), {"segments": list(segments), "points": list(points)}
    ).fetchall()
    return [*{*points, *(identity for (identity,) in rows)}]


@translated
def owners(conn: Connection, twin: str, rows: I64) -> I64:
    """Row of the building, as it is now, of each of the ``rows`` (n,) of parts; 0 without one."""
    found = conn.execute(
        "SELECT p.row_id, d.name, p.building_key FROM building_part AS p"
        " JOIN dataset AS d ON d.id = p.dataset_id WHERE p.row_id = ANY(%s)",
        (rows.tolist(),),
    ).fetchall()
    of = {row: feature_id(twin, name, "building", key) for row, name, key in found if key}
    known = versions(conn, "building", list(set(of.values())))
    row_of = dict(zip(known.ids[known.current], known.rows[known.current].tolist(), strict=True))
    return np.array([row_of.get(of.get(row), 0) for row in rows.tolist()], np.int64)
