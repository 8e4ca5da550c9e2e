"""The server dies in the middle of a publication: the stored city is as it was before."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

import pytest

from models.db import migrate, twins
from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.publish import publish
from models.db.read import revisions
from models.db.server import choose
from models.db.testing import kill_postmaster, until
from models.errors import DatabaseError
from models.features import Theme
from models.testing import Twin, delivery, pipes

Maker = Callable[..., EmbeddedPostgres]


def content(cluster: EmbeddedPostgres) -> list[str]:
    """Every stored row as the server's own program writes it, without the counters of ids."""
    dumped = subprocess.run(
        [choose().program("pg_dump"), "--data-only", cluster.admin_url("twin")],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = dumped.stdout.splitlines()
    return [line for line in lines if "setval" not in line and "restrict" not in line]


@pytest.mark.parametrize("waits_at", ["revision", "pipe_point", "pipe_segment"])
def test_a_postmaster_killed_during_a_publication_leaves_nothing_half_stored(
    make: Maker, waits_at: str
) -> None:
    cluster = make("killed")
    url = cluster.ensure()
    migrate.upgrade(url)
    changed = delivery(Theme.PIPES, pipes(40, material="铸铁"), name="again.csv")
    with connect(url) as conn:
        twins.sync(conn, [Twin()])
        first = delivery(Theme.PIPES, pipes(30))
        publish(conn, twin="test", dataset="made", deliveries=[first])
    before = content(cluster)
    failures: list[DatabaseError] = []

    def publisher() -> None:
        try:
            with connect(url) as conn:
                publish(conn, twin="test", dataset="made", deliveries=[changed])
        except DatabaseError as error:
            failures.append(error)

    thread = threading.Thread(target=publisher)
    with pytest.raises(DatabaseError), connect(url) as other, other.transaction():
        # it may plan, which reads, but writing waits here: what comes before is written by then
        other.execute(f"LOCK TABLE {waits_at} IN EXCLUSIVE MODE".encode())
        thread.start()
        waiting = (
            f"SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '{waits_at}'::regclass"
        ).encode()
        until(lambda: other.execute(waiting).fetchone() is not None)
        kill_postmaster(cluster)
        thread.join(30)
        other.execute("SELECT 1")
    (failure,) = failures
    assert str(cluster.log) in failure.en
    assert str(cluster.log) in failure.zh
    cluster.ensure()
    assert content(cluster) == before
    with connect(url) as conn:
        assert publish(conn, twin="test", dataset="made", deliveries=[changed]).number == 2
        assert [r.number for r in revisions(conn, "test")] == [1, 2]
    assert content(cluster) != before
