"""Findings of a delivery, kept so that its verdict can be read again row by row."""

from __future__ import annotations

import math
import struct
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
from psycopg import sql

from models.db.connection import Connection
from models.db.encode import copy_text
from models.db.errors import translated
from models.db.read import storage_srid
from models.db.statements import columns, statement
from models.findings import Finding, Place, Severity

#: Geometry type of a point in extended WKB, with the flags for Z and SRID.
_POINT_Z_SRID = 0xA0000001

COLUMNS = {
    "twin_id": "text",
    "dataset": "text",
    "revision_id": "integer",
    "batch": "uuid",
    "code": "text",
    "severity": "text",
    "file": "text",
    "sheet": "text",
    "row": "integer",
    "source_column": "text",
    "element": "text",
    "zh": "text",
    "en": "text",
    "found": "text",
    "expected": "text",
    "rule": "text",
    "clause": "text",
    "verified": "text",
    "position": "text",  # as extended WKB: a finding's place may be without height
    "extra": "jsonb",
}


@translated
def store(
    conn: Connection,
    twin: str,
    dataset: str,
    findings: Sequence[Finding],
    *,
    revision_id: int | None = None,
) -> uuid.UUID:
    """Store the findings of one check as one batch; returns the batch's id.

    ``dataset`` is a name: a delivery that is refused has findings, but no dataset yet.
    """
    batch = uuid.uuid4()
    if not findings:
        return batch
    srid = storage_srid(conn)  # asked before the copy, which takes the connection for itself
    frame = pd.DataFrame([_row(f, srid) for f in findings])
    frame["twin_id"], frame["dataset"], frame["batch"] = twin, dataset, str(batch)
    frame["revision_id"] = revision_id
    command = sql.SQL("COPY finding ({}) FROM STDIN").format(columns(tuple(COLUMNS)))
    with conn.transaction(), conn.cursor() as cursor, cursor.copy(command) as copy:
        for block in copy_text(frame, COLUMNS, srid, "finding"):
            copy.write(block)
    return batch


@translated
def listed(
    conn: Connection,
    twin: str,
    dataset: str,
    *,
    severity: Severity | None = None,
    batch: uuid.UUID | None = None,
    limit: int | None = None,
) -> list[Finding]:
    """Findings of a batch (default: the dataset's newest), in the order in which they were made."""
    rows = conn.execute(
        statement("findings_listed"),
        {
            "twin": twin,
            "dataset": dataset,
            "severity": None if severity is None else severity.value,
            "batch": batch,
            "limit": limit,
        },
    ).fetchall()
    return [_finding(row) for row in rows]


def _row(finding: Finding, srid: int) -> dict[str, Any]:
    row = asdict(finding)
    place = row.pop("place")
    place["source_column"] = place.pop("column")
    position = row.pop("position")
    row["position"] = None if position is None else _point(position, srid)
    row["severity"] = finding.severity.value
    return {**row, **place}


def _point(position: tuple[float, float, float | None], srid: int) -> str:
    """Extended WKB of a point with Z, which is NaN where the height is not known."""
    x, y, z = position
    return struct.pack("<BIIddd", 1, _POINT_Z_SRID, srid, x, y, math.nan if z is None else z).hex()


def _finding(row: tuple[Any, ...]) -> Finding:
    code, severity, file, sheet, number, column, element, *rest = row
    zh, en, found, expected, rule, clause, verified, x, y, z, extra = rest
    return Finding(
        code,
        Severity(severity),
        Place(file, sheet, number, column, element),
        zh,
        en,
        found,
        expected,
        rule,
        clause,
        verified,
        None if x is None else (x, y, None if math.isnan(z) else z),
        extra,
    )
