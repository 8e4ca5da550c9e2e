"""What is kept of an answer is given only to the question that it answers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import httpx

from models.db import twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import Theme
from models.testing import buildings, delivery
from models.twins import load_twins
from twin.settings import Settings
from twin.testing import application

TWIN = "songjiang-hub"


def put(conn: Connection, dataset: str, heights: dict[str, float]) -> None:
    """Publish buildings as true since 2020."""
    table = {"building": buildings(heights, twin=TWIN, dataset=dataset)}
    made = delivery(Theme.BUILDINGS, table, valid_from=date(2020, 1, 1))
    publish(conn, twin=TWIN, dataset=dataset, deliveries=[made])


def test_a_publication_that_a_clock_dated_back_is_in_the_answer(
    tmp_path: Path, database: str
) -> None:
    """Its moment of record is before the one that the same question was answered for."""
    settings = Settings(home=tmp_path, database_url=database)
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
        put(conn, "one", {"a": 10.0, "b": 20.0})
        with application(settings, database) as address:
            counts = []
            for _ in range(2):
                answer = httpx.get(
                    f"{address}/tiles/{TWIN}/buildings/tileset.json",
                    params={"datetime": "2023-01-01"},
                )
                assert answer.status_code == 200
                classes = answer.json()["statistics"]["classes"]
                counts.append(classes["building"]["count"])
                put(conn, "two", {"c": 5.0})
                with conn.transaction():
                    for table, column in (("revision", "recorded"), ("building", "tx_from")):
                        conn.execute(
                            f"UPDATE {table} SET {column} = {column} - interval '1 hour' WHERE"
                            " dataset_id = (SELECT id FROM dataset WHERE name = 'two')".encode()
                        )
    assert counts == [2, 3]
