"""Temporary tables through which a publication goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
from psycopg import sql

from models.db.connection import Connection
from models.db.encode import copy_text
from models.db.errors import DuplicateIdError, PublishError
from models.db.statements import columns
from models.db.tables import PROVENANCE
from models.features import TABLES, Delivery

PREFIXES: Final = ("stage", "fresh", "gone")


def require_ids(tables: Sequence[str], deliveries: Sequence[Delivery]) -> None:
    """Raise unless every row has an id, and has it alone, and every column is known."""
    for delivery in deliveries:
        strange = set(delivery.tables) - set(tables)
        if strange:
            raise _refused(delivery, f"tables {sorted(strange)} are not of theme {delivery.theme}")
    for table in tables:
        found = []
        for delivery in deliveries:
            frame = delivery.tables.get(table)
            if frame is None:
                continue
            unknown = set(frame.columns) - set(TABLES[table])
            if unknown:
                raise _refused(delivery, f"{table} has unknown columns {sorted(unknown)}")
            if len(frame) == 0:
                continue
            if (
                "id" not in frame
                or "key" not in frame
                or frame[["id", "key"]].isna().any(axis=None)
            ):
                raise _refused(delivery, f"{table} has rows without id or key")
            one = pd.DataFrame({"id": frame["id"].astype(str), "key": frame["key"].astype(str)})
            one["row"] = frame.get("source_row")
            one["file"] = delivery.source.name
            found.append(one)
        if found:
            _require_unique(table, pd.concat(found, ignore_index=True))


def _require_unique(table: str, rows: pd.DataFrame) -> None:
    doubled = rows[rows["id"].duplicated(keep=False)]
    if doubled.empty:
        return
    first = doubled[doubled["id"] == doubled["id"].iloc[0]]
    places = "; ".join(f"{r.file}:{r.row}" for r in first.head(5).itertuples())
    key, count = first["key"].iloc[0], doubled["id"].nunique()
    raise DuplicateIdError(
        f"{count} feature(s) of {table} are delivered more than once; the first is {key} "
        f"({places}). Nothing was stored. Keep one row for each key and deliver again.",
        f"{table} 中有 {count} 个要素重复提交,第一个是 {key}({places})。未存入任何内容。"
        "请每个键只保留一行后重新提交。",
    )


def stage(conn: Connection, table: str, deliveries: Sequence[Delivery], srid: int) -> None:
    """Make the staging table and copy all deliveries' rows into it; ``delivery`` counts from 1."""
    declared = TABLES[table]
    kinds = [
        sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(_sql_type(d, srid)))
        for n, d in declared.items()
    ]
    name = sql.Identifier(f"stage_{table}")
    conn.execute(
        sql.SQL("CREATE TEMP TABLE {} ({}, delivery integer) ON COMMIT DROP").format(
            name, sql.SQL(", ").join(kinds)
        )
    )
    for number, delivery in enumerate(deliveries, start=1):
        frame = delivery.tables.get(table)
        if frame is None or len(frame) == 0:
            continue
        conn.execute(
            sql.SQL("ALTER TABLE {} ALTER delivery SET DEFAULT {}").format(
                name, sql.Literal(number)
            )
        )
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns(tuple(declared)))
        with conn.cursor() as cursor, cursor.copy(command) as copy:
            for block in copy_text(frame, declared, srid, table):
                copy.write(block)


def parts(table: str) -> dict[str, sql.Composable]:
    """Identifiers and column lists that the ``publish_*`` statements name."""
    names = tuple(TABLES[table])
    said = [
        sql.SQL("{} || quote_literal(s.{}::text)").format(sql.Literal(f"{n}="), sql.Identifier(n))
        for n in names
        if n not in PROVENANCE
    ]
    return {
        "table": sql.Identifier(table),
        **{prefix: sql.Identifier(f"{prefix}_{table}") for prefix in PREFIXES},
        "content": sql.SQL(", ").join(said),
        "columns": columns(names),
        "staged": columns(names, "s"),
    }


def analyze(table: str) -> sql.Composed:
    """Statistics of the temporary tables, without which the planner takes them for tiny."""
    names = [sql.Identifier(f"{p}_{table}") for p in PREFIXES[:2]]
    return sql.SQL("ANALYZE {0} (id), {1} (id)").format(*names)


def drop(conn: Connection, tables: Sequence[str]) -> None:
    """Drop the temporary tables of a publication."""
    names = [sql.Identifier(f"{p}_{t}") for t in tables for p in PREFIXES]
    conn.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(names)))


def _sql_type(declared: str, srid: int) -> str:
    return declared.replace(")", f",{srid})") if declared.startswith("geometry") else declared


def _refused(delivery: Delivery, why: str) -> PublishError:
    return PublishError(
        f"{delivery.source.name} cannot be published: {why}. Nothing was stored.",
        f"{delivery.source.name} 无法发布:{why}。未存入任何内容。",
    )
