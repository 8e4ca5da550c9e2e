"""Outlines are drawn where they are asked for and stay while they are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.db import twins
from models.db.connection import connect
from models.db.publish import publish
from models.features import Theme, feature_id
from models.testing import buildings, delivery
from models.twins import load_twins
from tiles.check import check_tileset
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.testing import khronos
from twin import tiling
from twin.options import OptionError
from twin.settings import Settings
from twin.tile_looks import Looks

TWIN = load_twins()["songjiang-hub"]
OUTLINE = "CESIUM_primitive_outline"


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    heights = {f"b{n}": 5.0 + n for n in range(20)}
    table = buildings(heights)
    table["id"] = [feature_id(TWIN.id, "made", "building", key) for key in heights]
    with connect(database) as conn:
        twins.sync(conn, load_twins().values())
        made = delivery(Theme.BUILDINGS, {"building": table})
        publish(conn, twin=TWIN.id, dataset="made", deliveries=[made])
    return Settings(home=tmp_path / "home", database_url=database)


def files(settings: Settings) -> list[Any]:
    store = DirectoryStore(settings.tiles_dir / TWIN.id / "buildings")
    found = walk(lambda name: store.get(name).decoded())
    return [Glb(store.get(entry.uri).decoded()) for entry in found if entry.uri]


@pytest.mark.parametrize("profile", ["default", "compat"])
def test_outlines_come_stay_and_go(settings: Settings, database: str, profile: str) -> None:
    def tiled(**more: Any) -> str:
        ((_, report),) = tiling.tile(settings, database, [TWIN], "buildings", **more)
        assert report.in_tiles == 20
        return report.root

    plain = tiled(profile=profile)
    assert not any(OUTLINE in glb.json.get("extensionsUsed", ()) for glb in files(settings))
    outlined = tiled(outlines=True)
    assert outlined != plain
    (glb,) = files(settings)
    assert OUTLINE in glb.json["extensionsUsed"]
    assert OUTLINE not in glb.json.get("extensionsRequired", ())
    drawn = 0
    for primitive in glb.json["meshes"][0]["primitives"]:
        edges = glb.accessor(primitive["extensions"][OUTLINE]["indices"]).reshape(-1, 2)
        faces = glb.accessor(primitive["indices"]).reshape(-1, 3)
        sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        among = {tuple(side) for side in np.sort(sides, axis=1).tolist()}
        assert {tuple(edge) for edge in edges.tolist()} <= among
        drawn += len(edges)
    assert drawn == 20 * 24  # a box has twelve edges, each seen on both its faces
    folder = settings.tiles_dir / TWIN.id / "buildings"
    assert tiled() == outlined, "they stay"
    report = khronos(sorted(folder.glob("*.glb.gz")))
    assert (report["errors"], report["warnings"]) == (0, 0)
    assert set(check_tileset(folder).totals) <= {"TSC-10"}  # files that wait for collection
    assert tiled(outlines=False) == plain


def test_what_has_no_outlines_is_told() -> None:
    with pytest.raises(OptionError, match="'draco' renumbers vertices") as told:
        Looks("draco", outlines=True).require()
    assert "请另选 --profile" in told.value.zh
    with pytest.raises(OptionError, match="--no-outlines"):
        Looks("draco").over(Theme.BIM, {"profile": "default", "outlines": "yes"})
    assert not Looks("draco", outlines=False).over(Theme.BIM, {"outlines": "yes"})[0].outlines
    assert not Looks(outlines=True).over(Theme.PIPES, {})[0].outlines
    with pytest.raises(OptionError, match="expected one of default, compat, draco"):
        Looks("fancy").require()
