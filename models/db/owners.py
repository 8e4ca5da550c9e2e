"""Whose features a publication changes or ends, and whether it speaks for them (UPD-01)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence

from psycopg import sql

from models.db import staging
from models.db.connection import Connection
from models.db.errors import OwnershipError
from models.db.statements import statement
from models.features import TABLES, Delivery


def require_consent(
    conn: Connection,
    dataset: str,
    dataset_id: int,
    tables: Iterable[str],
    deliveries: Sequence[Delivery],
    organisation: str | None,
    agreed: Collection[str],
) -> None:
    """Raise :class:`OwnershipError` where the planned publication (its ``gone_*`` tables) changes
    or ends features of somebody for whom it does not speak.

    A dataset belongs to the organisation that delivered it last: the same one may do anything.
    Another one, or one that is not named, needs its consent. Where no organisation is known, a
    feature belongs to its owner (权属单位), and a delivery speaks for its ``organisation`` and the
    owners that its own rows name. Features without an owner are then anybody's. Names are compared
    without regard to width, case and blanks.
    """
    row = conn.execute(
        "SELECT o.name FROM dataset AS d JOIN organisation AS o ON o.id = d.organisation_id"
        " WHERE d.id = %s",
        (dataset_id,),
    ).fetchone()
    holder = None if row is None else str(row[0])
    if holder is not None and organisation is not None and _folded(holder) == _folded(organisation):
        return
    spoken = {_folded(name) for name in (*_owners(deliveries), *agreed)}
    if organisation is not None:
        spoken.add(_folded(organisation))
    others: dict[str, tuple[int, int]] = {}
    for table in tables:
        for owner, changed, ended in _touched(conn, table):
            name = holder if holder is not None else owner
            if name is not None and _folded(name) not in spoken:
                before = others.get(name, (0, 0))
                others[name] = (before[0] + changed, before[1] + ended)
    if others:
        raise OwnershipError(dataset, others, organisation)


def _owners(deliveries: Sequence[Delivery]) -> set[str]:
    """Owners that the rows of the deliveries name."""
    return {
        str(name)
        for delivery in deliveries
        for frame in delivery.tables.values()
        if "owner" in frame
        for name in frame["owner"].dropna().unique()
    }


def _touched(conn: Connection, table: str) -> list[tuple[str | None, int, int]]:
    """Owner, features changed and features ended."""
    has = "owner" in TABLES[table]
    owner = sql.SQL("c.owner") if has else sql.SQL("NULL::text")
    found = conn.execute(statement("publish_owners", owner=owner, **staging.parts(table)))
    return [(row[0], int(row[1]), int(row[2])) for row in found.fetchall()]


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
