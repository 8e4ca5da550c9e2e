"""What was handed over and what became of it, the terms of datasets, and which originals may go."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from psycopg import sql
from psycopg.types.json import Jsonb

from models.crs import StorageCrs, storage_to_geodetic
from models.db.connection import Connection
from models.db.errors import translated
from models.db.statements import statement
from models.features import TABLES, THEME_TABLES, SourceFile, Theme
from models.transformation import Step

#: West, south, lowest, east, north, highest: degrees of CGCS2000 and metres of the 1985 datum; NaN
#: where nothing has a height.
Box = tuple[float, float, float, float, float, float]

#: The top of a building, of which the geometry is the footprint.
_ROOF: Final = sql.SQL("coalesce(t.base_height, ST_ZMin(t.geom)) + t.height")
_NO_ROOF: Final = sql.SQL("NULL::float8")
#: Points along each side of a box when it is turned into degrees.
_ALONG: Final = 9


@dataclass(frozen=True, slots=True)
class Part:
    """What became of one group of files: ``state`` is published, unchanged or refused.

    ``files`` are places in :attr:`Handed.files`; ``findings`` counts by severity. ``features`` and
    ``box`` are those of a layer of files, which has no rows to count.
    """

    dataset: str
    theme: str | None
    state: str
    features_in: int
    accepted: int
    findings: dict[str, int]
    files: tuple[int, ...] = ()
    revision_id: int | None = None
    horizontal: str | None = None
    vertical: str | None = None
    steps: tuple[Step, ...] = ()
    features: int | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """One handing-over of files. ``kept`` tells that their contents are in the store of originals.

    ``rules`` are {id, version, sha256} of the packs, ``declared`` what was said beside the files.
    """

    files: tuple[SourceFile, ...]
    parts: tuple[Part, ...]
    tool: str
    kept: bool
    organisation: str | None = None
    licence: str | None = None
    visibility: str | None = None
    rules: tuple[dict[str, str], ...] = ()
    declared: dict[str, Any] = field(default_factory=dict)


@translated
def record(conn: Connection, twin: str, handed: Handed) -> int:
    """Store ``handed``, with the entries of the datasets that it filled; the delivery's id."""
    with conn.transaction():
        organisation = None
        if handed.organisation is not None:
            organisation = _one(conn, "deliveries_organisation", {"name": handed.organisation})
        row = conn.execute(
            "INSERT INTO delivery (twin_id, organisation_id, licence, tool, rules, declared)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            (
                *(twin, organisation, handed.licence, handed.tool),
                *(Jsonb(list(handed.rules)), Jsonb(handed.declared)),
            ),
        ).fetchone()
        assert row is not None
        delivery = int(row[0])
        files = [_add_file(conn, delivery, file, handed.kept) for file in handed.files]
        for part in handed.parts:
            _add_part(conn, delivery, part, [files[i] for i in part.files])
            if part.state != "refused" and part.theme is not None:
                _fill(conn, twin, part, handed, organisation)
    return delivery


def _add_file(conn: Connection, delivery: int, file: SourceFile, kept: bool) -> uuid.UUID:
    if kept:
        conn.execute(
            "INSERT INTO original (sha256, size) VALUES (%s, %s) ON CONFLICT (sha256)"
            " DO UPDATE SET kept = now(), removed = NULL WHERE original.removed IS NOT NULL",
            (file.sha256, file.size),
        )
    row = conn.execute(
        "INSERT INTO delivery_file (delivery_id, name, sha256, size) VALUES (%s, %s, %s, %s)"
        " RETURNING id",
        (delivery, file.name, file.sha256, file.size),
    ).fetchone()
    assert row is not None
    found: uuid.UUID = row[0]
    return found


def _add_part(conn: Connection, delivery: int, part: Part, files: Sequence[uuid.UUID]) -> None:
    row = conn.execute(
        "INSERT INTO delivery_part (delivery_id, dataset, theme, revision_id, state, features_in,"
        " accepted, findings, steps) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            *(delivery, part.dataset, part.theme, part.revision_id, part.state),
            *(part.features_in, part.accepted, Jsonb(part.findings)),
            Jsonb([asdict(step) for step in part.steps]),
        ),
    ).fetchone()
    assert row is not None
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO delivery_part_file (part_id, file_id) VALUES (%s, %s)",
            [(row[0], file) for file in dict.fromkeys(files)],
        )


def _fill(
    conn: Connection, twin: str, part: Part, handed: Handed, organisation: int | None
) -> None:
    entry = _one(
        conn,
        "deliveries_entry",
        {
            "twin": twin,
            "name": part.dataset,
            "theme": part.theme,
            "organisation": organisation,
            "horizontal": part.horizontal,
            "vertical": part.vertical,
            "licence": handed.licence,
            "visibility": handed.visibility,
        },
    )
    if part.box is not None:
        conn.execute(
            "UPDATE catalogue_entry SET features = %s, box = %s WHERE id = %s",
            (part.features, _plain(part.box), entry),
        )


@translated
def set_terms(
    conn: Connection,
    twin: str,
    name: str,
    theme: str,
    *,
    licence: str | None = None,
    visibility: str | None = None,
    accuracy_note: str | None = None,
) -> None:
    """Set those terms of a dataset that are given; an empty text takes one away."""
    empty = {"organisation": None, "horizontal": None, "vertical": None, "licence": None}
    with conn.transaction():
        values = {**empty, "twin": twin, "name": name, "theme": theme, "visibility": visibility}
        entry = _one(conn, "deliveries_entry", values)
        for column, value in (("licence", licence), ("accuracy_note", accuracy_note)):
            if value is not None:
                query = sql.SQL("UPDATE catalogue_entry SET {} = nullif(%s, '') WHERE id = %s")
                conn.execute(query.format(sql.Identifier(column)), (value, entry))


@translated
def renew(conn: Connection, twin: str) -> int:
    """Count the features of datasets that changed since, and find their boxes; how many did."""
    row = conn.execute("SELECT value FROM storage WHERE name = 'srid'").fetchone()
    assert row is not None
    storage = StorageCrs(int(row[0]))
    stale = conn.execute(statement("deliveries_stale"), {"twin": twin}).fetchall()
    for dataset, name, theme, revision in stale:
        counts: dict[str, int] = {}
        boxes, sigma = [], None
        for table in THEME_TABLES[Theme(theme)]:
            top = _ROOF if "base_height" in TABLES[table] else _NO_ROOF
            query = statement("deliveries_box", table=sql.Identifier(table), top=top)
            found = conn.execute(query, {"dataset": dataset}).fetchone()
            assert found is not None
            counts[table] = found[0]
            if found[1] is not None:
                boxes.append(found[1:])
            if "sigma_xy" in TABLES[table] and found[0]:
                query = statement("deliveries_sigma", table=sql.Identifier(table))
                row = conn.execute(query, {"dataset": dataset}).fetchone()
                assert row is not None
                sigma = Jsonb(row[0])
        with conn.transaction():
            set_terms(conn, twin, name, theme)
            conn.execute(
                "UPDATE catalogue_entry SET revision_id = %s, features = %s, tables = %s, box = %s,"
                " sigma = %s WHERE dataset_id = %s",
                (
                    *(revision, sum(counts.values()), Jsonb(counts)),
                    *(_plain(degrees(boxes, storage)) if boxes else None, sigma, dataset),
                ),
            )
    return len(stale)


@translated
def prunable(conn: Connection, before: dt.datetime) -> list[tuple[str, int]]:
    """(sha256, bytes) of contents that only deliveries received before the moment brought, none of
    which is the newest of a dataset."""
    rows = conn.execute(statement("deliveries_prunable"), {"before": before}).fetchall()
    return [(str(sha256), int(size)) for sha256, size in rows]


@translated
def known_contents(conn: Connection) -> set[str]:
    """The hash of every content that should be in the store."""
    return {str(r[0]) for r in conn.execute("SELECT sha256 FROM original WHERE removed IS NULL")}


@translated
def removed(conn: Connection, sha256: str) -> None:
    """Remember that a content was deleted on purpose."""
    conn.execute("UPDATE original SET removed = now() WHERE sha256 = %s", (sha256,))


def degrees(boxes: Sequence[Sequence[float]], storage: StorageCrs) -> Box:
    """A box around ``boxes`` of the storage CRS: east, north, height least, then greatest."""
    every = np.array(boxes, np.float64)
    # NaN, an unknown height, gives way to a known one
    low, high = np.fmin.reduce(every[:, :3]), np.fmax.reduce(every[:, 3:])
    along = np.linspace(low[:2], high[:2], _ALONG)
    east, north = (g.ravel() for g in np.meshgrid(along[:, 0], along[:, 1]))
    lon, lat, _ = storage_to_geodetic(east, north, np.zeros(len(east)), storage)
    return (
        *(float(lon.min()), float(lat.min()), float(low[2])),
        *(float(lon.max()), float(lat.max()), float(high[2])),
    )


def _plain(box: Box) -> list[float | None]:
    """Degrees to 1e-7 (1 cm), heights to the centimetre; what is not a number is null."""
    digits = (7, 7, 2, 7, 7, 2)
    return [round(v, d) if math.isfinite(v) else None for v, d in zip(box, digits, strict=True)]


def _one(conn: Connection, name: str, values: dict[str, Any]) -> int:
    row = conn.execute(statement(name), values).fetchone()
    assert row is not None
    return int(row[0])
