from __future__ import annotations

import psycopg
import pytest

from models.db.columns import column_type
from models.db.connection import Connection
from models.db.publish import publish
from models.db.tables import SYSTEM, metadata
from models.features import TABLES, Theme
from models.testing import buildings, delivery


@pytest.mark.parametrize("table", TABLES)
def test_feature_tables_have_the_canonical_columns_and_types(table: str, conn: Connection) -> None:
    rows = conn.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (table,),
    ).fetchall()
    found = {name: kind.lower().replace(",4549", "") for name, kind in rows}
    expected = {name: declared.lower() for name, declared in TABLES[table].items()}
    assert {name: kind for name, kind in found.items() if name not in SYSTEM} == expected
    assert set(SYSTEM) <= set(found)


def test_every_declared_type_is_known() -> None:
    for columns in TABLES.values():
        for declared in columns.values():
            assert column_type(declared, 4528) is not None


def test_metadata_is_made_once_for_each_srid() -> None:
    assert metadata(4549) is metadata(4549)
    assert "4528" in repr(metadata(4528).tables["building"].c.geom.type)


@pytest.mark.parametrize(
    ("valid", "tx"),
    [
        (("2020-01-01", "infinity"), ("2020-01-01", "infinity")),
        (("-infinity", "2300-01-01"), ("2300-01-01", "infinity")),
    ],
)
def test_two_truths_of_one_feature_are_impossible(
    conn: Connection, valid: tuple[str, str], tx: tuple[str, str]
) -> None:
    made = delivery(Theme.BUILDINGS, {"building": buildings({"a": 10.0})})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    again = (
        "INSERT INTO building (id, key, dataset_id, revision_id, file_id, content_sha,"
        " valid_from, valid_to, tx_from, tx_to)"
        " SELECT id, key, dataset_id, revision_id, file_id, 'x', %s, %s, %s, %s FROM building"
    )
    with pytest.raises(psycopg.errors.ExclusionViolation):
        conn.execute(again, (*valid, *tx))
    # side by side in record time is no overlap
    conn.execute(again, ("2020-01-01", "infinity", "2020-01-01", "2020-01-02"))


def test_empty_periods_are_impossible(conn: Connection) -> None:
    made = delivery(Theme.BUILDINGS, {"building": buildings({"a": 10.0})})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("UPDATE building SET valid_to = valid_from")
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("UPDATE building SET tx_to = tx_from")


@pytest.mark.parametrize("index", ["geom_2d", "geom_3d"])
def test_spatial_queries_on_current_rows_use_the_index(conn: Connection, index: str) -> None:
    operator = {"geom_2d": "&&", "geom_3d": "&&&"}[index]
    made = delivery(Theme.BUILDINGS, {"building": buildings({str(i): 10.0 for i in range(2000)})})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    conn.execute("ANALYZE building")
    plan = conn.execute(
        f"EXPLAIN SELECT id FROM building WHERE tx_to = 'infinity' AND geom {operator}"
        " ST_SetSRID('LINESTRING Z (521700 3428800 0, 521800 3428900 9)'::geometry, 4549)".encode()
    ).fetchall()
    assert f"building_{index}" in str(plan)
