"""The process, and whether database, schema and tiles are there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg

from models.db import migrate
from models.db.embedded import EmbeddedPostgres
from models.db.testing import copy_home
from twin.settings import Settings
from twin.testing import Program, Service, application


def test_a_loaded_service_is_ready(service: Service) -> None:
    assert httpx.get(f"{service.url}/healthz").json() == {"status": "ok"}
    answer = httpx.get(f"{service.url}/readyz")
    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert {name for name, check in checks.items() if check["ok"]} == {
        "database",
        "migrations",
        "tiles",
    }
    assert set(checks["tiles"]["layers"]) == {
        f"{twin}/{layer}"
        for twin in ("songjiang-hub", "qianwan")
        for layer in ("buildings", "bim", "pipes")
    }


def test_a_stopped_database_is_told_and_found_again(short_folder: Path, migrated: Path) -> None:
    cluster = EmbeddedPostgres(copy_home(migrated, short_folder / "gone"))
    migrate.upgrade(cluster.ensure())
    try:
        with application(Settings(home=short_folder / "gone"), cluster.read_url) as url:
            assert httpx.get(f"{url}/readyz").status_code == 200
            cluster.stop()
            down = httpx.get(f"{url}/readyz", timeout=30)
            assert down.status_code == 503
            database = down.json()["checks"]["database"]
            assert not database["ok"]
            assert database["zh"]
            assert database["en"]
            twin = httpx.get(f"{url}/twins/qianwan", timeout=30)
            assert (twin.status_code, twin.headers["retry-after"]) == (503, "5")
            assert httpx.get(f"{url}/healthz").status_code == 200
            cluster.ensure()
            assert httpx.get(f"{url}/readyz", timeout=30).status_code == 200
    finally:
        cluster.stop()


def test_a_layer_with_features_but_no_tileset_is_not_ready(
    database: str, new_program: Callable[..., Program], tmp_path: Path
) -> None:
    program = new_program(TWIN_DATABASE_URL=database).here
    made = tmp_path / "made.geojson"
    ring = [[121.226, 30.986], [121.227, 30.986], [121.227, 30.987], [121.226, 30.986]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"id": "a", "height": 9}, "geometry": geometry}
    made.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    stored = program.run("ingest", made, "--twin", "songjiang-hub", "--vertical", "1985")
    assert stored.returncode == 0, stored.stderr
    with application(Settings(home=program.home), database) as url:
        answer = httpx.get(f"{url}/readyz")
        assert answer.status_code == 503
        tiles = answer.json()["checks"]["tiles"]
        assert tiles["layers"] == {"songjiang-hub/buildings": {"ready": False, "version": None}}
        (layer,) = (
            layer
            for layer in httpx.get(f"{url}/twins/songjiang-hub").json()["layers"]
            if layer["id"] == "buildings"
        )
        assert (layer["features"], layer["tileset"]) == (1, None)
        tiled = program.run("tile", "--twin", "songjiang-hub")
        assert tiled.returncode == 0, tiled.stderr
        assert httpx.get(f"{url}/readyz").status_code == 200


def test_an_older_schema_is_not_ready(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0000'")
    with application(Settings(home=tmp_path), database) as url:
        answer = httpx.get(f"{url}/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"]["current"] == "0000"
