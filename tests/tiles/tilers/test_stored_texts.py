"""What an index of the database estimates counts every text that a tile's property table has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import shapely
from psycopg import sql

from models.db import read, twins
from models.db.connection import Connection, connect
from models.db.publish import publish
from models.features import TABLES, Theme, feature_id
from models.testing import ORIGIN, Twin, buildings, cube, delivery, pipes
from tiles.content import F64
from tiles.mesh.ragged import I64
from tiles.testing_layers import PLACE
from tiles.tilers.base import KeyIndex
from tiles.tilers.stored import Connected
from tiles.tilers.stored_bim import StoredBim
from tiles.tilers.stored_buildings import StoredBuildings
from tiles.tilers.stored_pipes import StoredPipes

COUNT, LENGTH = 7, 1000
Stored = type[StoredBuildings] | type[StoredBim] | type[StoredPipes]
SOURCES: dict[str, Stored] = {
    "building": StoredBuildings,
    "building_part": StoredBuildings,
    "bim_element": StoredBim,
    "pipe_segment": StoredPipes,
    "pipe_point": StoredPipes,
}
#: Columns of the database of which a tile has no text: codes, and what nobody draws.
OTHERS = {"class_code", "depth_ref", "shape", "acq_method", "quality_level"}


def elements() -> pd.DataFrame:
    place: F64 = np.tile(np.eye(4), (COUNT, 1, 1))
    place[:, :3, 3] = np.array(ORIGIN) + np.arange(COUNT)[:, None] * (3.0, 0, 0)
    corner = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 1]])
    keys = [f"e{k}" for k in range(COUNT)]
    shapes = [shapely.MultiPolygon([shapely.Polygon(corner + one[:3, 3])]) for one in place]
    return pd.DataFrame(
        {
            "id": [feature_id("test", "model", "bim_element", key) for key in keys],
            "key": keys,
            "ifc_class": "IfcWall",
            "mesh": cube().digest(),
            "placement": [one.ravel().tolist() for one in place],
            "geom": shapes,
        }
    )


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with connect(database) as conn:
        twins.sync(conn, [Twin()])
        parts = buildings({f"p{k}": 5.0 for k in range(COUNT)})
        ids = [feature_id("test", "made", "building_part", key) for key in parts["key"]]
        parts["id"] = np.array(ids, dtype=object)
        parts["building_key"] = None
        whole = buildings({f"b{k}": 9.0 for k in range(COUNT)})
        for made in (
            delivery(Theme.BUILDINGS, {"building": whole, "building_part": parts}),
            delivery(Theme.PIPES, pipes(COUNT), name="net.csv"),
            delivery(
                Theme.BIM,
                {"bim_element": elements()},
                name="model.ifc",
                meshes={cube().digest(): cube()},
            ),
        ):
            publish(conn, twin="test", dataset=str(made.theme), deliveries=[made])
        yield conn


def index(conn: Connection, url: str, table: str) -> KeyIndex:
    with read.snapshot(conn):
        return SOURCES[table](conn, url, PLACE).index()


def costs(found: KeyIndex, of: I64) -> I64:
    """Bytes of the features ``of``, in their order."""
    order = np.argsort(found.keys)
    return found.bytes[order][np.searchsorted(found.keys[order], of)].astype(np.int64)


@pytest.mark.parametrize("table", SOURCES)
def test_each_text_counts(conn: Connection, database: str, table: str) -> None:
    before = index(conn, database, table)
    own = before.keys < 0 if table in ("building_part", "pipe_point") else before.keys > 0
    keys = before.keys[own]
    assert len(keys) >= COUNT
    written = _columns(conn, database, table)
    assert written
    for column in sorted(written):
        with conn.transaction(force_rollback=True):
            change = sql.SQL("UPDATE {} SET {} = repeat('长x', %s)").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            conn.execute(change, [LENGTH // 4])
            after = SOURCES[table](conn, database, PLACE).index()
        grown = costs(after, keys) - costs(before, keys)
        assert (grown > 0.6 * LENGTH).all(), (column, grown)
        assert (grown <= LENGTH).all(), (column, grown)


def _columns(conn: Connection, url: str, table: str) -> set[str]:
    """The text columns of ``table`` that reach a tile: those of its property table, and those that
    are shown there under another name."""
    found = index(conn, url, table)
    with read.snapshot(conn):
        source = SOURCES[table](conn, url, PLACE)
        source.index()
        loader = source.loader()
        content = loader.load(found.keys).content(np.arange(len(found.keys)))
        assert isinstance(loader, Connected)
        loader.close()
    shown = {one.id for one in content.columns if one.type == "STRING" and one.id != "id"}
    shown |= {"lno"} if table == "pipe_segment" else set()
    shown |= {"exp_no", "feature", "appurtenance"} if table == "pipe_point" else set()
    declared = {name for name, kind in TABLES[table].items() if kind == "text"}
    return (shown & declared) - OTHERS
