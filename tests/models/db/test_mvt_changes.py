"""Overviews that follow a change are as if made anew, and little of them is written."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.affinity import translate

from models.db import mvt_overviews
from models.db.connection import Connection
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import ORIGIN, delivery

#: Table → the column of its class, and columns that it must have.
TABLES: dict[str, tuple[str, dict[str, float]]] = {
    "building": ("function", {"height": 9.0, "base_height": 4.0}),
    "pipe_segment": ("class_code", {"width_mm": 300.0}),
    "pipe_point": ("class_code", {"ground_h": 4.0}),
}
NUMBER = 3_000


def town(table: str, seed: int) -> pd.DataFrame:
    """Buildings of many sizes, pipes of many lengths that meet at their ends, or points, of five
    classes, in eight by eight kilometres."""
    random = np.random.default_rng(seed)
    at = np.array(ORIGIN[:2]) + np.round(random.random((NUMBER, 2)) * 320) * 25.0
    if table == "building":
        width = 4.0 * 60.0 ** random.random((NUMBER, 2)) ** 2
        geometry = shapely.box(*at.T, *(at + width).T)
    elif table == "pipe_segment":
        steps = 25.0 * random.integers(-3, 4, (NUMBER, 2))
        steps[:30] *= 10
        steps[~steps.any(axis=1)] = 25.0
        geometry = shapely.linestrings(np.stack([at, at + steps], axis=1))
    else:
        geometry = shapely.points(at)
    kind, given = TABLES[table]
    keys = [f"F{n}" for n in range(NUMBER)]
    ids = [feature_id("test", "made", table, key) for key in keys]
    kinds = {kind: random.choice(["YS", "WS", "JS", "RQ", "DL"], NUMBER)}
    geom = shapely.force_3d(geometry, 4.0)
    return pd.DataFrame({"id": ids, "key": keys, "geom": geom, **kinds, **given})


def put(conn: Connection, table: str, rows: pd.DataFrame, since: date | None = None) -> None:
    theme = Theme.BUILDINGS if table == "building" else Theme.PIPES
    made = delivery(theme, {table: rows}, valid_from=since)
    publish(conn, twin="test", dataset="made", deliveries=[made])


def changed(table: str, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Of a neighbourhood five features go, five move by some metres or hundreds, five are of
    another class."""
    random = np.random.default_rng(seed)
    away = shapely.distance(rows["geom"].to_numpy(), rows["geom"].iloc[seed])
    which = random.choice(np.argsort(away)[:60], 15, replace=False)
    out, kind = rows.copy(), TABLES[table][0]
    for row in which[5:10]:
        out.at[row, "geom"] = translate(out.at[row, "geom"], *random.choice([3.0, 700.0], 2))
    out.loc[which[10:], kind] = out[kind].to_numpy()[which[:5]]
    return out.drop(index=which[:5])


def drawn(conn: Connection) -> list[Any]:
    return conn.execute(
        "SELECT o.layer, o.tms, o.features, o.raw_zoom, o.cells, d.zoom, d.tile_row, d.tile_col,"
        " d.block, d.kind, d.count, d.measure, d.size, ST_AsText(d.geom)"
        " FROM mvt_drawn AS d JOIN mvt_overview AS o ON o.id = d.overview_id"
        " ORDER BY o.layer, o.tms, d.zoom, d.tile_row, d.tile_col, d.block, d.kind, d.count,"
        " d.measure, ST_AsText(d.geom)"
    ).fetchall()


def places(conn: Connection) -> set[Any]:
    """Where rows lie on disk: those that are written anew lie elsewhere."""
    return set(conn.execute("SELECT overview_id, ctid::text FROM mvt_drawn").fetchall())


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("table", list(TABLES))
def test_a_change_is_followed_as_if_all_were_made_anew(
    conn: Connection, table: str, seed: int
) -> None:
    rows = town(table, seed)
    put(conn, table, rows)
    made = mvt_overviews.renew(conn, "test")
    before, whole = places(conn), drawn(conn)
    put(conn, table, changed(table, rows, seed))
    assert mvt_overviews.renew(conn, "test") == made
    followed = drawn(conn)
    assert followed != whole
    assert 0 < len(places(conn) - before) < 0.5 * len(before)
    conn.execute("DELETE FROM mvt_overview")
    mvt_overviews.renew(conn, "test")
    assert drawn(conn) == followed


def test_a_change_beside_a_crowd_at_one_place_is_followed(conn: Connection) -> None:
    rows = town("building", 2).iloc[:1_040].copy()
    half = np.linspace(1.0, 3.0, 1_010)
    at = np.array(ORIGIN[:2])[:, None] + 10.0
    stack = shapely.box(*(at - half), *(at + half))
    at_others = np.array(ORIGIN[:2])[:, None] + [40.0 * np.arange(30), np.full(30, 50.0)]
    others = shapely.box(*at_others, *(at_others + 5.0))
    others[0] = shapely.box(*(ORIGIN[0] + 100.0, ORIGIN[1] + 100.0, *np.add(ORIGIN[:2], 250.0)))
    rows["geom"] = shapely.force_3d(np.concatenate([stack, others]), 4.0)
    put(conn, "building", rows)
    mvt_overviews.renew(conn, "test")
    before = places(conn)
    assert {row[3] for row in drawn(conn)} == {21}  # no tile is deep enough to part them
    put(conn, "building", rows.iloc[:-5])
    mvt_overviews.renew(conn, "test")
    followed = drawn(conn)
    assert len(places(conn) - before) < 0.2 * len(before)
    conn.execute("DELETE FROM mvt_overview")
    mvt_overviews.renew(conn, "test")
    assert drawn(conn) == followed
    numbers = set(conn.execute("SELECT id FROM mvt_overview").fetchall())
    put(conn, "building", rows.drop(index=rows.index[1_010]).iloc[:-5])  # the large one
    mvt_overviews.renew(conn, "test")
    assert numbers.isdisjoint(conn.execute("SELECT id FROM mvt_overview").fetchall())


def test_a_date_that_comes_is_followed(conn: Connection) -> None:
    rows = town("building", 3)
    put(conn, "building", rows, date(2020, 1, 1))
    put(conn, "building", rows.iloc[5:], date(2021, 1, 1))
    mvt_overviews.renew(conn, "test")
    whole, before = drawn(conn), places(conn)
    conn.execute("UPDATE mvt_overview SET built = '2020-12-31'")  # before that date
    assert mvt_overviews.renew(conn, "test") > 0
    assert drawn(conn) == whole
    assert 0 < len(places(conn) - before) < 0.3 * len(before)


def test_of_many_changes_all_is_made_anew(conn: Connection) -> None:
    rows = town("building", 4)
    put(conn, "building", rows)
    mvt_overviews.renew(conn, "test")
    numbers = set(conn.execute("SELECT id FROM mvt_overview").fetchall())
    put(conn, "building", rows.assign(height=12.0))
    mvt_overviews.renew(conn, "test")
    assert numbers.isdisjoint(conn.execute("SELECT id FROM mvt_overview").fetchall())
    assert {row[12] for row in drawn(conn)} == {12.0}
