"""A service over a small city (:mod:`tests.twin.ogc.city`)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from models.db.embedded import EmbeddedPostgres
from models.db.provision import READ_ROLE, create_database
from tests.twin.ogc.city import City, fill
from twin.settings import Settings
from twin.testing import application


@pytest.fixture(scope="session")
def city(cluster: EmbeddedPostgres, short_folder: Path) -> Iterator[City]:
    """``twin serve`` in this process, over what the functions above make."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster.admin_url(), autocommit=True) as admin:
        create_database(admin, name, "twin")
    url = cluster.database_url(name)
    tables = fill(url)
    home = short_folder / "ogc"
    read_url = url.replace("twin@", f"{READ_ROLE}@").replace("://twin:", f"://{READ_ROLE}:")
    with application(Settings(home=home), read_url) as address:
        yield City(address, url, home, tables)


@pytest.fixture(scope="session")
def client(city: City) -> Iterator[httpx.Client]:
    """Paths are below the landing page of the twin that has everything."""
    with httpx.Client(base_url=city.root, timeout=60) as client:
        yield client
