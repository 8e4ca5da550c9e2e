from __future__ import annotations

from dataclasses import replace

from models.db import findings
from models.db.connection import Connection
from models.findings import Finding, Place, Severity

FULL = Finding(
    "PIP-07",
    Severity.ERROR,
    Place("survey.xlsx", "线表", 231, "管径", "YS12"),
    "第 231 行:管径为负。",
    "Row 231: negative\tdiameter.",
    "-300",
    "> 0",
    "diameter-positive",
    "CJJ 61-2017 4.3",
    True,
    (521_700.25, 3_428_800.5, 4.125),
    {"unit": "mm", "values": [1, None]},
)
BARE = Finding("STR-01", Severity.WARNING, Place("a.csv"), "表为空。", "The sheet is empty.")


def test_findings_come_back_as_they_were(conn: Connection) -> None:
    findings.store(conn, "test", "survey", [FULL, BARE])
    assert findings.listed(conn, "test", "survey") == [FULL, BARE]
    assert findings.listed(conn, "test", "survey", severity=Severity.ERROR) == [FULL]
    assert findings.listed(conn, "test", "survey", limit=1) == [FULL]
    assert findings.listed(conn, "test", "other") == []


def test_the_newest_batch_is_listed_unless_another_is_named(conn: Connection) -> None:
    first = findings.store(conn, "test", "survey", [FULL])
    findings.store(conn, "test", "survey", [BARE])
    assert findings.listed(conn, "test", "survey") == [BARE]
    assert findings.listed(conn, "test", "survey", batch=first) == [FULL]


def test_a_check_without_findings_stores_nothing(conn: Connection) -> None:
    batch = findings.store(conn, "test", "survey", [])
    assert findings.listed(conn, "test", "survey", batch=batch) == []


def test_a_place_without_height_stays_without(conn: Connection) -> None:
    flat = replace(FULL, position=(521_700.25, 3_428_800.5, None))
    findings.store(conn, "test", "survey", [flat])
    assert findings.listed(conn, "test", "survey") == [flat]
