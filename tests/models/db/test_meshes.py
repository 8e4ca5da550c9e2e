from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from models.db.connection import Connection
from models.db.errors import PublishError
from models.db.publish import publish
from models.db.read import read_meshes, read_table
from models.features import Theme, feature_id
from models.testing import cube, delivery


def rows(conn: Connection, table: str) -> int:
    found = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert found is not None
    return int(found[0])


def test_bodies_are_stored_once_and_come_back_unchanged(conn: Connection) -> None:
    body = cube(2.5)
    box = shapely.force_3d(shapely.MultiPolygon([shapely.box(0, 0, 1, 1)] * 6), 5.0)
    frame = pd.DataFrame(
        {
            "id": [feature_id("test", "made", "bim_element", k) for k in "ab"],
            "key": ["a", "b"],
            "mesh": [body.digest(), body.digest()],
            "placement": [np.eye(4), list(range(16))],
            "psets": [{"P": {"x": 1}}, None],
            "geom": [box, None],
        }
    )
    made = delivery(Theme.BIM, {"bim_element": frame}, meshes={body.digest(): body})
    publish(conn, twin="test", dataset="made", deliveries=[made])
    assert rows(conn, "bim_mesh") == 1
    (found,) = read_meshes(conn, [body.digest(), "no such key"]).values()
    assert found.digest() == body.digest()
    stored = read_table(conn, "bim_element", "test").set_index("key")
    assert stored.loc["a", "placement"] == np.eye(4).ravel().tolist()
    assert stored.loc["b", "psets"] is None
    assert stored.loc["b", "geom"] is None
    assert shapely.equals_identical(stored.loc[["a"], "geom"].to_numpy(), [box]).all()
    kind = conn.execute("SELECT GeometryType(geom) FROM bim_element WHERE key = 'a'").fetchone()
    assert kind == ("POLYHEDRALSURFACE",)
    with pytest.raises(PublishError, match="1 bodies"):
        publish(conn, twin="test", dataset="made", deliveries=[replace(made, meshes={})])
