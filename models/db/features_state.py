"""What a twin holds of a theme at a moment of both times: the key of caches and of paging."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import asyncpg

from models.db.errors import translate
from models.db.pool import DRIVER_ERRORS
from models.db.statements import text
from models.features import Theme


@dataclass(frozen=True, slots=True)
class State:
    """The datasets of one theme, and the moments that a reading is about.

    ``moment`` is the last boundary of valid time at or before the moment asked for, ``recorded``
    that of record time: every reading between two boundaries gives the same, so both may be pinned
    while a client pages on. ``current`` tells that ``recorded`` is the newest there is.
    ``revision`` is the newest revision's id (0: nothing was published).
    """

    datasets: tuple[int, ...]
    names: tuple[str, ...]
    revision: int
    moment: dt.datetime | None
    recorded: dt.datetime | None
    current: bool

    @property
    def stamp(self) -> str:
        """Changes when, and only when, what can be read changes."""
        moment = "" if self.moment is None else self.moment.isoformat()
        return f"{self.revision}/{moment}"


async def read_state(
    conn: asyncpg.Connection,
    twin: str,
    theme: Theme,
    moment: dt.datetime | None = None,
    as_of: dt.datetime | None = None,
) -> State:
    """The state of ``theme`` in ``twin``. Raises :class:`models.errors.DatabaseError`."""
    try:
        row = await conn.fetchrow(text("features_state"), twin, str(theme), moment, as_of)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    assert row is not None
    return State(
        tuple(row["datasets"]),
        tuple(row["names"]),
        row["revision"],
        row["moment"],
        row["recorded"],
        row["newest"] == row["recorded"],
    )
