"""Whose database is it: shared while somebody uses it, stopped by the last."""

from __future__ import annotations

from collections.abc import Callable

from models.db.embedded import EmbeddedPostgres
from twin import runtime
from twin.settings import Settings
from twin.testing import Program


def test_the_last_user_stops_the_server(migrated_program: Callable[..., Program]) -> None:
    program = migrated_program()
    settings = Settings(home=program.home)
    cluster = EmbeddedPostgres(program.home)
    with runtime.database(settings) as first:
        with runtime.database(settings) as second:
            assert first == second
        assert cluster.status().running
    assert not cluster.status().running


def test_a_kept_server_runs_on_until_it_is_stopped(
    migrated_program: Callable[..., Program],
) -> None:
    settings = Settings(home=migrated_program().home)
    runtime.keep_running(settings)
    with runtime.database(settings):
        pass
    assert EmbeddedPostgres(settings.home).status().running
    assert runtime.stop(settings)
    assert not runtime.stop(settings)


def test_an_external_database_is_taken_as_it_is(new_program: Callable[..., Program]) -> None:
    settings = Settings(home=new_program().home, database_url="postgresql://a@b/c")
    with runtime.database(settings) as database:
        assert database.url == database.read_url == "postgresql://a@b/c"
    assert not settings.home.exists()
