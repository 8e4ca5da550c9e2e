"""Terrain over HTTP, from a delivered DEM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from models.testing import free_port
from twin.testing import Program

DEM = next((Path(__file__).parents[3] / "data-samples").glob("*/dem.tif"))
TWIN = DEM.parent.name


def test_a_dem_becomes_terrain(migrated_program: Callable[..., Program]) -> None:
    program = migrated_program()
    assert program.here.run("ingest", DEM, "--twin", TWIN).returncode == 0
    assert "terrain" in program.here.run("tile", "--layer", "terrain", "--twin", TWIN).stdout
    with program.serving("serve", free_port()) as service:
        answer = httpx.get(f"{service.url}/terrain/{TWIN}/layer.json")
        layer = answer.json()
        assert layer["format"].startswith("quantized-mesh")
        template = layer["tiles"][0]
        for x in (0, 1):  # the two roots
            path = template.format(z=0, x=x, y=0, version=layer.get("version", ""))
            tile = httpx.get(f"{service.url}/terrain/{TWIN}/{path}")
            assert tile.headers["content-type"] == "application/vnd.quantized-mesh"
            assert "immutable" in tile.headers["cache-control"]
        for wrong in ("../../pg/PG_VERSION", "0/0/0.terrain", "layer.json.gz"):
            gone = httpx.get(f"{service.url}/terrain/{TWIN}/{wrong}")
            assert gone.status_code == 404
        assert httpx.get(f"{service.url}/terrain/nowhere/layer.json").status_code == 404
