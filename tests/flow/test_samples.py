"""The samples in tiles: valid, complete, each feature once, and the same bytes again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from models.db import read
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.features import THEME_TABLES, Theme
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.store.directory import DirectoryStore
from tiles.testing import khronos
from twin.testing import Program, Service

TWINS = ("songjiang-hub", "qianwan")


@pytest.fixture(scope="module")
def tiled(
    samples: Program, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[tuple[str, str], dict[str, object]]]:
    """Another folder of all tiles made anew, and the report of each layer."""
    folder = tmp_path_factory.mktemp("again")
    reports = samples.json("tile", "--out", folder)
    layers = {(r["twin"], r["layer"]): r for r in reports}
    assert {layer for _, layer in layers} == {*Theme, "terrain"}  # the samples hold DEMs, too
    return folder, {key: r for key, r in layers.items() if key[1] != "terrain"}


@pytest.mark.parametrize("twin", TWINS)
def test_every_glb_is_valid(samples: Program, twin: str) -> None:
    found = sorted((samples.home / "tiles" / twin).glob("*/*.glb.gz"))
    assert {path.parent.name for path in found} == {"buildings", "bim", "pipes"}
    report = khronos(found)
    assert (report["errors"], report["warnings"]) == (0, 0), report


@pytest.mark.parametrize("layer", list(Theme))
@pytest.mark.parametrize("twin", TWINS)
def test_each_feature_is_in_one_leaf(
    samples: Program,
    service: Service,
    tiled: tuple[Path, dict[tuple[str, str], dict[str, object]]],
    twin: str,
    layer: Theme,
) -> None:
    store = DirectoryStore(samples.home / "tiles" / twin / layer)
    leaves: Counter[str] = Counter()
    for tile in walk(lambda name: store.get(name).decoded()):
        if tile.uri is not None:
            glb = Glb(store.get(tile.uri).decoded())
            ids = glb.table()["id"]
            assert tile.leaf == bool(ids)  # above the leaves there is only massing
            if not tile.leaf:
                continue
            drawn = {int(i) for part in glb.parts() for i in part.feature_ids}
            assert drawn == set(range(len(ids)))
            leaves.update(ids)
    assert set(leaves.values()) == {1}
    with connect(EmbeddedPostgres(samples.home).url, read_only=True) as conn:
        held = {
            str(identity)
            for table in THEME_TABLES[layer]
            for identity in read.read_table(conn, table, twin, columns=[])["id"]
        }
    report = tiled[1][twin, layer]
    refused = report["refused"]
    assert isinstance(refused, list)
    assert {r["code"].split("-")[0] for r in refused} <= {"SKIP"}
    assert set(leaves) == held - {r["id"] for r in refused}
    assert report["features_in"] == len(held) == len(leaves) + len(refused)


def test_tiling_again_gives_the_same_bytes(
    samples: Program, tiled: tuple[Path, dict[tuple[str, str], dict[str, object]]]
) -> None:
    again, reports = tiled
    first = samples.home / "tiles"
    for (twin, layer), report in reports.items():
        names = sorted(path.name for path in (first / twin / layer).iterdir())
        assert names == sorted(path.name for path in (again / twin / layer).iterdir())
        for name in names:
            same = (first / twin / layer / name).read_bytes()
            assert same == (again / twin / layer / name).read_bytes()
        assert DirectoryStore(first / twin / layer).get("tileset.json").digest == report["root"]
