"""What was delivered ahead comes into the tiles on its day, by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.db import twins
from models.db.connection import connect
from models.db.publish import CHINA, publish
from models.db.testing import until
from models.db.tiles_changes import dates
from models.features import Theme
from models.testing import buildings, delivery
from models.twins import load_twins
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from twin import dates as service
from twin import tiling
from twin.settings import Settings

TWIN = load_twins()["songjiang-hub"]
NOW, AHEAD = {"a": 5.0, "b": 6.0}, {"a": 5.0, "b": 60.0, "c": 7.0}


def put(url: str, heights: Mapping[str, float], days: int | None = None) -> None:
    """Publish the heights, true from now on or in so many days."""
    when = None if days is None else datetime.now(CHINA).date() + timedelta(days=days)
    table = {"building": buildings(heights, twin=TWIN.id)}
    made = delivery(Theme.BUILDINGS, table, valid_from=when)
    with connect(url) as conn:
        publish(conn, twin=TWIN.id, dataset="made", deliveries=[made])


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    """A twin that is tiled, and a delivery for the day after tomorrow."""
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
    put(database, NOW, days=-3)
    settings = Settings(home=tmp_path / "home", database_url=database)
    tiling.tile(settings, database, [TWIN], "buildings")
    put(database, AHEAD, days=2)
    tiling.tile(settings, database, [TWIN], "buildings")
    return settings


def comes(url: str, seconds: float) -> None:
    """The next date comes in so many seconds."""
    with connect(url) as conn, conn.transaction():
        row = conn.execute(
            "SELECT min(valid_from) FROM revision WHERE valid_from > now()"
        ).fetchone()
        assert row is not None
        conn.execute("SELECT set_config('made.day', %s::text, true)", (row[0],))
        moment = f"now() + interval '{seconds} seconds'"
        for table, column in (
            ("revision", "valid_from"),
            ("building", "valid_to"),
            ("building", "valid_from"),
        ):
            conn.execute(
                f"UPDATE {table} SET {column} = {moment}"
                f" WHERE {column} = current_setting('made.day')::timestamptz".encode()
            )


def heights(settings: Settings) -> dict[str, float]:
    store = DirectoryStore(settings.tiles_dir / TWIN.id / "buildings")
    found: dict[str, float] = {}
    for drawn in walk(lambda name: store.get(name).decoded()):
        table = Glb(store.get(drawn.uri or "").decoded()).table()
        found |= dict(zip(table.get("key", ()), table.get("height", ()), strict=True))
    return found


def test_what_is_dated_ahead_is_in_the_tiles_on_its_day(settings: Settings, database: str) -> None:
    assert heights(settings) == NOW
    comes(database, 1.5)
    with service.followed(settings, database, every=300):
        until(lambda: heights(settings) == AHEAD, seconds=60)
        with connect(database, read_only=True) as conn:
            until(lambda: dates(conn, "tiles").due == ())  # remembered after the switch


def test_the_next_date_is_known_and_is_of_this_store(settings: Settings, database: str) -> None:
    with connect(database) as conn:
        found = dates(conn, "tiles")
        assert found.due == ()
        assert found.next is not None
        assert 0 < found.next < 3 * 86_400
        assert dates(conn, "elsewhere").next is None
    comes(database, 0)
    with connect(database) as conn:
        found = dates(conn, "tiles")
        assert (found.due, found.next) == ((TWIN.id,), None)
        assert dates(conn, "tiles", found.asked).due == ()  # the caller has seen to it


def test_a_date_that_changes_nothing_is_followed_once(settings: Settings, database: str) -> None:
    """A revision without rows leaves the layer as it is, and nobody tiles in a circle."""
    put(database, NOW, days=1)
    comes(database, 0)
    with connect(database) as conn:
        found = dates(conn, "tiles")
    assert found.due == (TWIN.id,)
    assert tiling.follow(settings, database, TWIN) == []
    assert heights(settings) == NOW
    with connect(database) as conn:
        after = dates(conn, "tiles", found.asked)
    assert after.due == ()
    assert after.next is not None  # the day after tomorrow is still to come


class Unlucky(Settings):
    """Settings that cannot be handed to another process the first time."""

    def __reduce__(self) -> tuple[Any, ...]:
        if not (self.home / "tried").exists():
            (self.home / "tried").touch()
            raise OSError("no process can be started now")
        return Settings, (), self.__getstate__()


def test_a_look_that_fails_in_an_unforeseen_way_is_not_the_last(
    settings: Settings, database: str
) -> None:
    comes(database, 0)
    unlucky = Unlucky(home=settings.home, database_url=database)
    with service.followed(unlucky, database, every=0.2):
        until(lambda: heights(settings) == AHEAD, seconds=60)
    assert (settings.home / "tried").exists()
