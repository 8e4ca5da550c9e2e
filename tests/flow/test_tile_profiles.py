"""The sample twins from afar, in every profile, and with implicit tiling."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiles.check import check_tileset
from tiles.gltf import PROFILES
from tiles.inspect import Glb
from tiles.inspect_tileset import walk
from tiles.merge import DRAW_CALLS
from tiles.store.directory import DirectoryStore
from tiles.testing import khronos
from twin.testing import Program, Service

TWINS = ("songjiang-hub", "qianwan")
LAYERS = ("buildings", "bim", "pipes")


@pytest.mark.parametrize("twin", TWINS)
def test_the_whole_city_is_seen_in_2_mb_and_20_requests(
    samples: Program, service: Service, twin: str
) -> None:
    requests = size = 0
    for layer in LAYERS:
        found = check_tileset(samples.home / "tiles" / twin / layer)
        assert set(found.totals) <= {"TSC-02"}, found.findings  # files that wait for collection
        requests += found.summary.far_requests
        size += found.summary.far_bytes
    assert requests <= 20
    assert size <= 2_000_000


@pytest.mark.parametrize("twin", TWINS)
def test_no_tile_has_many_draw_calls(samples: Program, service: Service, twin: str) -> None:
    drawn = {}
    for layer in LAYERS:
        store = DirectoryStore(samples.home / "tiles" / twin / layer)
        leaves = [t for t in walk(lambda uri, s=store: s.get(uri).decoded()) if t.uri is not None]
        calls = {t.uri: len(Glb(store.get(str(t.uri)).decoded()).parts()) for t in leaves}
        assert max(calls.values()) <= DRAW_CALLS
        drawn[layer] = sum(calls[t.uri] for t in leaves if t.leaf)
    assert drawn["bim"] <= 20  # a model of some thousand elements


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "default"])
def test_every_profile_holds_the_same_features(
    samples: Program, service: Service, profile: str, tmp_path: Path
) -> None:
    explicit, implicit = tmp_path / "explicit", tmp_path / "implicit"
    for layer in ("bim", "pipes"):
        samples.json(
            *("tile", "--twin", "qianwan", "--layer", layer, "--profile", profile),
            *("--out", explicit, "--implicit", implicit),
        )
        default = check_tileset(samples.home / "tiles" / "qianwan" / layer)
        found = [check_tileset(folder / "qianwan" / layer) for folder in (explicit, implicit)]
        for one in found:
            assert set(one.totals) <= {"TSC-31", "TSC-34"}, one.findings  # compat is large
            assert one.summary.features == default.summary.features
            assert one.summary.triangles == default.summary.triangles
    report = khronos([*explicit.rglob("*.glb.gz"), *implicit.rglob("*.glb")])
    assert report["count"] > 20
    assert (report["errors"], report["warnings"]) == (0, 0)
    one = next(explicit.rglob("*.glb.gz"))
    document = Glb(DirectoryStore(one.parent).get(one.name.removesuffix(".gz")).decoded()).json
    required = set(document.get("extensionsRequired", []))
    draco = {"KHR_draco_mesh_compression", "EXT_mesh_gpu_instancing"}
    assert required <= (draco if profile == "draco" else set())
