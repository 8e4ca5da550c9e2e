"""Finished work is found again by whoever does the same, and by nobody else."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from tiles.journal import Journal, whole

DONE: list[str] = []


def work(name: str) -> str:
    DONE.append(name)
    return name.upper()


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    DONE.clear()


def test_work_is_done_once(tmp_path: Path) -> None:
    for _ in range(2):
        journal = Journal.open(tmp_path, ["a.las"], 1.5)
        assert journal.once("a", lambda: work("a")) == "A"
        assert journal.once("b", lambda: work("b")) == "B"
    assert DONE == ["a", "b"]


@pytest.mark.parametrize("parts", [("a", 2), ("a",), ("a1",), (["a", 1],)], ids=str)
def test_other_work_begins_with_an_empty_folder(tmp_path: Path, parts: tuple[object, ...]) -> None:
    first = Journal.open(tmp_path, "a", 1)
    first.once("a", lambda: work("a"))
    (tmp_path / "left.points").write_bytes(b"of an older program")
    other = Journal.open(tmp_path, *parts)
    assert other.folder != first.folder
    assert list(tmp_path.iterdir()) == [other.folder]
    other.once("a", lambda: work("a"))
    assert DONE == ["a", "a"]


def test_what_fails_is_done_again(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, 1)
    with pytest.raises(ZeroDivisionError):
        journal.once("a", lambda: 1 // 0)
    assert journal.once("a", lambda: work("a")) == "A"


def test_results_that_no_longer_hold_are_forgotten(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, 1)
    for name in "abc":
        journal.once(name, partial(work, name))
    assert journal.keep(lambda result: result != "B") == 2
    for name in "abc":
        journal.once(name, partial(work, name))
    assert DONE == ["a", "b", "c", "b"]


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "1.points"
    for text in (b"one", b"two"):
        with whole(target) as half:
            half.write_bytes(text)
            assert str(os.getpid()) in half.name
    with pytest.raises(OSError, match="full"), whole(target) as half:
        half.write_bytes(b"th")
        raise OSError("disk full")
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]
