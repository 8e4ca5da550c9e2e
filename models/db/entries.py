"""Reading the catalogue: datasets, their terms, where they came from, who may have files."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.cql2.tree import Expression, Kind
from models.db.errors import translate
from models.db.features_cql import Arguments, sql_of
from models.db.features_items import told
from models.db.pool import DRIVER_ERRORS, Pool
from models.db.statements import text
from models.features import feature_id

OPEN: Final = "open"
_TYPES: Final = {Kind.NUMBER: "float8", Kind.TIMESTAMP: "timestamptz", Kind.TEXTS: "text[]"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset, or a layer of files, as the catalogue knows it.

    ``accuracy`` is as declared, in metres (1 sigma, plan); ``box`` west, south, lowest, east,
    north, highest in degrees (CGCS2000) and metres (1985); ``sigma`` the mean errors of survey
    points (1 sigma, metres). ``features``, ``tables``, ``box`` and ``sigma`` are None until they
    were worked out for the newest revision.
    """

    name: str
    theme: str
    organisation: str | None
    horizontal: str | None
    vertical: str | None
    epoch: str | None
    method: str | None
    accuracy: float | None
    accuracy_note: str | None
    licence: str | None
    visibility: str
    created: dt.datetime
    updated: dt.datetime
    features: int | None
    tables: dict[str, int] | None
    box: list[float | None] | None
    sigma: dict[str, Any] | None
    revision: int | None
    valid_from: dt.datetime

    def id(self, twin: str) -> uuid.UUID:
        """The stable id of its record."""
        return entry_id(twin, self.name, self.theme)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a dataset came from: revisions and deliveries, newest first, as plain values."""

    revisions: tuple[dict[str, Any], ...]
    deliveries: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Original:
    """A delivered file, and the record ids of those datasets it filled that are not open, with
    whose they are.

    One that filled none is nobody's: ``fills`` is False.
    """

    name: str
    sha256: str
    size: int
    fills: bool
    restricted: Mapping[uuid.UUID, str | None]


def entry_id(twin: str, name: str, theme: str) -> uuid.UUID:
    """The stable id of a dataset's record."""
    return feature_id(twin, name, f"dataset/{theme}", "")


async def entries(pool: Pool, twin: str) -> list[Entry]:
    """All datasets of a twin by name. Raises :class:`models.errors.DatabaseError`."""
    rows = await _fetch(pool, "entries_listed", twin)
    return [Entry(**row) for row in rows]


async def since(pool: Pool, twin: str) -> dt.datetime | None:
    """From when on the catalogue of a twin tells of anything; None where it is empty. Raises
    :class:`models.errors.DatabaseError`."""
    return min((entry.valid_from for entry in await entries(pool, twin)), default=None)


async def lineages(
    pool: Pool, twin: str, wanted: Sequence[Entry]
) -> dict[tuple[str, str], Lineage]:
    """The lineage of each of ``wanted`` by name and theme. A refused delivery whose theme nobody
    could tell belongs to every dataset of its name."""
    names = sorted({entry.name for entry in wanted})
    revisions = await _fetch(pool, "entries_revisions", twin, names)
    deliveries = await _fetch(pool, "entries_deliveries", twin, names)
    return {
        (one.name, one.theme): Lineage(
            tuple(_rest(r) for r in revisions if (r["name"], r["theme"]) == (one.name, one.theme)),
            tuple(
                _rest(d)
                for d in deliveries
                if d["name"] == one.name and d["theme"] in (one.theme, None)
            ),
        )
        for one in wanted
    }


async def originals(pool: Pool, twin: str, files: Iterable[uuid.UUID]) -> dict[uuid.UUID, Original]:
    """Those of ``files`` (of deliveries to ``twin``) whose content is kept, by id."""
    rows = await _fetch(pool, "entries_original", twin, list(files))
    return {
        row["id"]: Original(
            row["name"],
            row["sha256"],
            row["size"],
            bool(row["datasets"]),
            {
                entry_id(of, name, theme): organisation
                for of, name, theme, visibility, organisation in row["datasets"]
                if visibility != OPEN
            },
        )
        for row in rows
    }


async def passing(
    pool: Pool,
    rows: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, Kind],
    filter_: Expression,
    srid: int,
) -> frozenset[str]:
    """Ids of those of ``rows`` that ``filter_`` lets pass.

    ``kinds`` are the queryables; ``geometry`` of a row is WKB in hexadecimal digits, in
    EPSG:``srid``. The database judges, as it does for features, so that both mean the same. Raises
    :class:`models.errors.DatabaseError` and
    :class:`models.db.features_items.ArithmeticOverflowError`.
    """
    args = Arguments()
    given = args.add(list(rows), "jsonb")
    columns = {name: f't."{name}"' for name in kinds}
    columns["geometry"] = f"ST_GeomFromWKB(decode(t.geometry, 'hex'), {srid:d})"
    where = sql_of(filter_, columns, args, srid=srid, plan=columns["geometry"])
    declared = ", ".join(f'"{name}" {_TYPES.get(kind, "text")}' for name, kind in kinds.items())
    rows_of = f"jsonb_to_recordset({given}) AS t({declared})"
    query = f"SELECT t.id FROM {rows_of} WHERE {where}"  # noqa: S608 names of ours, values bound
    try:
        return frozenset(row["id"] for row in await pool.fetch(query, *args.values))
    except DRIVER_ERRORS as error:
        raise told(error) from error


async def _fetch(pool: Pool, name: str, *values: Any) -> list[dict[str, Any]]:
    try:
        return [dict(row) for row in await pool.fetch(text(name), *values)]
    except DRIVER_ERRORS as error:
        raise translate(error) from error


def _rest(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in ("name", "theme")}
