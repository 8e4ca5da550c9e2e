from __future__ import annotations

import os
import socket
from collections.abc import Callable

import pytest

from models.db.embedded import EmbeddedPostgres
from models.db.errors import PortTakenError
from models.db.testing import ask
from models.errors import DatabaseError
from models.testing import free_port

ROOT = os.geteuid() == 0
Maker = Callable[..., EmbeddedPostgres]


def test_a_running_cluster_is_found_without_naming_its_port(make: Maker) -> None:
    port = free_port()
    cluster = make(port=port)
    cluster.ensure()
    assert ask(EmbeddedPostgres(cluster.home).ensure(), "SELECT 1") == 1
    with pytest.raises(DatabaseError, match="twin db down"):
        EmbeddedPostgres(cluster.home, port + 1).ensure()


def test_a_taken_port_is_named(make: Maker) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)) as caught:
            make(port=port).ensure()
    assert str(port) in caught.value.zh


def test_data_of_another_owner_give_one_clear_line(make: Maker) -> None:
    cluster = make()
    cluster.ensure()
    cluster.stop()
    control = cluster.data / "global" / "pg_control"
    before = control.stat()
    control.chmod(0o000)
    if ROOT:
        os.chown(control, 0, 0)
    try:
        with pytest.raises(DatabaseError, match="chown") as caught:
            cluster.ensure()
    finally:
        os.chown(control, before.st_uid, before.st_gid)
        control.chmod(0o600)
    assert "属主" in caught.value.zh
