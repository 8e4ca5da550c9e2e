"""A service over a catalogue: deliveries as files, folder and ZIP, open and restricted, refused."""

from __future__ import annotations

import json
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from models.db.embedded import EmbeddedPostgres
from models.db.provision import READ_ROLE, create_database
from twin.settings import Settings
from twin.testing import Program, application

SAMPLES = Path(__file__).parents[3] / "data-samples" / "qianwan"
TWIN = "qianwan"


@dataclass(frozen=True)
class Catalogue:
    """Where the service is, the program that filled it, and the files that were delivered."""

    url: str
    program: Program
    files: dict[str, Path]

    @property
    def root(self) -> str:
        return f"{self.url}/ogc/{TWIN}"

    @property
    def items(self) -> str:
        return f"{self.root}/collections/datasets/items"

    def records(self, **search: str) -> dict[str, dict[str, Any]]:
        """Records by the names of their datasets."""
        answer = httpx.get(self.items, params={"limit": "1000", **search})
        assert answer.status_code == 200, answer.text
        return {one["properties"]["name"]: one for one in answer.json()["features"]}


@pytest.fixture(scope="session")
def catalogue(cluster: EmbeddedPostgres, short_folder: Path) -> Iterator[Catalogue]:
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    home = short_folder / "records"
    files = _files(short_folder / "delivered")
    program = Program(home, {"TWIN_DATABASE_URL": url}).here

    def ingest(key: str, *options: str, status: int = 0) -> None:
        ended = program.run("ingest", files[key], "--twin", TWIN, *options)
        assert ended.returncode == status, ended.stdout + ended.stderr

    buildings = ("--dataset", "建筑 A", "--vertical", "1985")
    ingest("first", *buildings, "--licence", "cc-by-4.0", "--visibility", "open",
           "--organisation", "测绘院", "--valid-from", "2020-05-01")  # fmt: skip
    ingest("first", *buildings, "--organisation", "测绘院", "--valid-from", "2020-05-01")
    ingest("second", *buildings, "--organisation", "测绘院", "--valid-from", "2021-05-01")
    ingest("archive", "--dataset", "管线", "--licence", "仅供规划部门内部使用",
           "--organisation", "管线公司")  # fmt: skip
    ingest("folder", "--dataset", "south", "--vertical", "1985", "--no-originals")
    ingest("dem")
    ingest("refused", "--dataset", "nothing", status=2)
    read_url = url.replace("twin@", f"{READ_ROLE}@").replace("://twin:", f"://{READ_ROLE}:")
    with application(Settings(home=home), read_url) as address:
        yield Catalogue(address, program, files)


def _files(folder: Path) -> dict[str, Path]:
    folder.mkdir()
    first = folder / "浦东 建筑.geojson"
    shutil.copy(SAMPLES / "buildings.geojson", first)
    second = folder / "buildings-2.geojson"
    document = json.loads(first.read_text("utf-8"))
    document["features"] = document["features"][:-1]
    second.write_text(json.dumps(document), "utf-8")
    archive = folder / "竣工管线.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted((SAMPLES / "pipes").glob("*.csv")):
            packed.write(path, f"交付/{path.name}")
    south = folder / "south"
    south.mkdir()
    for path in SAMPLES.glob("buildings_south.*"):
        shutil.copy(path, south)
    refused = folder / "refused.geojson"
    refused.write_text('{"type": "FeatureCollection", "features": [')
    return {
        "first": first, "second": second, "archive": archive, "folder": south,
        "dem": SAMPLES / "dem.tif", "refused": refused,
    }  # fmt: skip
