from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.db import server
from models.db.embedded import EmbeddedPostgres
from models.errors import DatabaseError

Maker = Callable[..., EmbeddedPostgres]


def test_data_of_a_missing_version_say_what_to_install(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    cluster.stop()
    version = (cluster.data / "PG_VERSION").read_text()
    (cluster.data / "PG_VERSION").write_text("99\n")
    try:
        with pytest.raises(DatabaseError, match="apt-get install postgresql-99") as caught:
            cluster.ensure()
    finally:
        (cluster.data / "PG_VERSION").write_text(version)
    assert "twin db upgrade" in caught.value.zh


def test_a_machine_without_a_server_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, short_folder: Path
) -> None:
    monkeypatch.setattr(server, "PLACES", ())
    monkeypatch.setenv("PATH", str(short_folder))
    with pytest.raises(DatabaseError, match="apt-get install postgresql-15") as caught:
        server.choose()
    assert "TWIN_DATABASE_URL" in caught.value.zh
