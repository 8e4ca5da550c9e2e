"""Findings of a delivery, kept so that its verdict can be read again row by row."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import shapely
from psycopg import sql

from models.db.connection import Connection
from models.db.encode import copy_text
from models.db.errors import translated
from models.db.read import storage_srid
from models.db.statements import columns, statement
from models.findings import Finding, Place, Severity

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
    "position": "geometry(PointZ)",
    "extra": "jsonb",
}


@translated()
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
    frame = pd.DataFrame([_row(f) for f in findings])
    frame["twin_id"], frame["dataset"], frame["batch"] = twin, dataset, str(batch)
    frame["revision_id"] = revision_id
    srid = storage_srid(conn)  # asked before the copy, which takes the connection for itself
    command = sql.SQL("COPY finding ({}) FROM STDIN").format(columns(tuple(COLUMNS)))
    with conn.transaction(), conn.cursor() as cursor, cursor.copy(command) as copy:
        for block in copy_text(frame, COLUMNS, srid, "finding"):
            copy.write(block)
    return batch


@translated()
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


def _row(finding: Finding) -> dict[str, Any]:
    row = asdict(finding)
    place = row.pop("place")
    place["source_column"] = place.pop("column")
    position = row.pop("position")
    row["position"] = None if position is None else shapely.Point(*position)
    row["severity"] = finding.severity.value
    return {**row, **place}


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
        None if x is None else (x, y, z),
        extra,
    )
