from __future__ import annotations

import pytest

from models.db.connection import connect
from models.db.embedded import EmbeddedPostgres
from models.db.errors import SENTENCES
from models.errors import DatabaseError


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", r"disk that holds .* is full: [0-9,]+ bytes free"),
        ("53300", "no free connection"),
        ("42501", "lacks a right"),
        ("57014", "longer than its limit"),
        ("40001", "Try again"),
        ("22003", "does not fit its column"),
        ("23505", "break a rule"),
        ("XX001", "code XX001"),
    ],
)
def test_what_the_server_says_becomes_a_sentence(database: str, state: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=said) as caught, connect(database) as conn:
        conn.execute(
            "DO $$ BEGIN RAISE EXCEPTION 'secret value 42' USING ERRCODE = "
            f"'{state}'; END $$".encode()
        )
    assert "secret" not in str(caught.value) + caught.value.zh


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:topsecret@127.0.0.1:1/d", "cannot be reached"),
        ("postgresql://u@/d?host=/nowhere", "cannot be reached"),
        ("no url at all", "code ProgrammingError"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(url: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=said) as caught, connect(url):
        pass
    assert "topsecret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_errors_of_our_own_server_name_the_log_that_has_its_words(
    cluster: EmbeddedPostgres, database: str
) -> None:
    with pytest.raises(DatabaseError) as caught, connect(database) as conn:
        conn.execute("SELECT no_such_function()")
    for sentence in (caught.value.en, caught.value.zh):
        assert str(cluster.log) in sentence
        assert "no_such_function" not in sentence
    assert "no_such_function" in cluster.log.read_text()


def test_a_read_only_connection_refuses_writes(database: str) -> None:
    with pytest.raises(DatabaseError, match="read-only"), connect(database, read_only=True) as conn:
        conn.execute("DELETE FROM twin")


def test_every_sentence_is_in_both_languages() -> None:
    for en, zh in SENTENCES.values():
        assert en.isascii()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)
