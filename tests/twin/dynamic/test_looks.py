"""What is encoded on demand is written as the published layer is: equal content, equal bytes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import httpx
import numpy as np
import pandas as pd
import pytest
import shapely

from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme
from models.testing import buildings, delivery, pipes
from models.twins import load_twins
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from twin import tiling
from twin.settings import Settings
from twin.testing import application

TWIN = load_twins()["songjiang-hub"]
LOOKS = (
    ("default", None),
    ("default", True),
    ("compat", True),
    ("compat", False),
    ("draco", None),
)


def towers() -> pd.DataFrame:
    """Twelve buildings, every second one round."""
    table = buildings({f"b{n}": 9.0 + n for n in range(12)}, twin=TWIN.id)
    turn = np.radians(np.arange(36) * 10.0)
    ring = 5.0 * np.column_stack([np.cos(turn), np.sin(turn)])
    geoms = table["geom"].to_numpy(dtype=object).copy()
    for row in range(0, 12, 2):
        round_ = shapely.Polygon(shapely.get_coordinates(geoms[row].centroid) + ring)
        geoms[row] = shapely.force_3d(round_, 4.0)
    return table.assign(geom=geoms)


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
        published = {Theme.BUILDINGS: {"building": towers()}, Theme.PIPES: pipes(9, twin=TWIN.id)}
        for theme, tables in published.items():
            made = delivery(theme, tables)
            publish(conn, twin=TWIN.id, dataset=theme.value, deliveries=[made])
    return Settings(home=tmp_path, database_url=database)


def loaded(client: httpx.Client, path: str, **asked: str) -> tuple[str, list[bytes]]:
    """The root and the contents of a tileset, without what asks for them."""
    root = client.get(path, params=asked)
    assert root.status_code == 200, root.text
    uris = [entry.uri for entry in walk(lambda _: root.content) if entry.uri]
    query = uris[0].partition("?")[2]
    contents = [client.get(urljoin(path, uri)).content for uri in uris]
    return root.text.replace(f"?{query}", ""), contents


@pytest.mark.parametrize("layer", ["buildings", "pipes"])
def test_a_question_is_answered_as_the_layer_was_tiled(
    settings: Settings, database: str, layer: str
) -> None:
    path = f"/tiles/{TWIN.id}/{layer}/tileset.json"
    questions: tuple[dict[str, str], ...] = (
        {"datetime": "2090-01-01"},
        {"filter": "key LIKE 'b%'" if layer == "buildings" else "class_code = 'YS'"},
    )
    seen = set()
    with application(settings, database) as address, httpx.Client(base_url=address) as client:
        before = loaded(client, path, **questions[0])
        for profile, outlines in LOOKS:
            tiling.tile(settings, database, [TWIN], layer, profile, outlines=outlines)
            static = loaded(client, path)
            for asked in questions:
                assert loaded(client, path, **asked) == static, (profile, outlines, asked)
            (content,) = static[1]
            used = Glb(content).json.get("extensionsUsed", ())
            assert ("KHR_draco_mesh_compression" in used) == (profile == "draco")
            assert ("EXT_meshopt_compression" in used) == (profile == "default")
            if layer == "buildings":
                assert ("CESIUM_primitive_outline" in used) == bool(outlines)
            if profile == "default" and not outlines:
                assert before == static, "a layer that was never tiled is asked for as by default"
            seen.add(content)
    assert len(seen) == (5 if layer == "buildings" else 3)
