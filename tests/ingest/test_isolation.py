"""Isolated calls: answers, limits, crashes, and that nothing is left running."""

import time
from pathlib import Path

import pytest

from ingest.isolation import IsolationError, Limits, Reason, run

WIDE = Limits(seconds=60, memory=4 << 30)

FUNCTIONS = """
import os, signal, subprocess, sys, time

def fill(size):
    kept = []
    while len(kept) * (8 << 20) < size:
        kept.append(b"x" * (8 << 20))
    time.sleep(60)

def hang_with_children(pids):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    stray = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    with open(pids, "w") as out:
        out.write(f"{os.getpid()} {child.pid} {stray.pid}")
    time.sleep(60)

def leave_a_child(pids):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open(pids, "w") as out:
        out.write(str(child.pid))
    return "done"

def fall():
    os.kill(os.getpid(), signal.SIGSEGV)

def leave():
    print("good-bye")
    sys.stdout.flush()
    os._exit(3)

def write_much(path, size):
    with open(path, "wb") as out:
        out.truncate(size)
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "isolated_functions.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)


def running(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def gone(pids: list[int]) -> bool:
    end = time.monotonic() + 5
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(running, pids))


def test_answers_with_the_functions_value() -> None:
    assert run("operator:add", [1, "二"], [{"a": None}], limits=WIDE) == [1, "二", {"a": None}]


def test_an_exception_comes_back_with_its_type_and_words() -> None:
    with pytest.raises(IsolationError, match="ZeroDivisionError: ") as caught:
        run("operator:truediv", 1, 0, limits=WIDE)
    assert caught.value.reason is Reason.ERROR


def test_an_answer_that_json_cannot_hold_is_an_error() -> None:
    with pytest.raises(IsolationError, match="TypeError") as caught:
        run("builtins:object", limits=WIDE)
    assert caught.value.reason is Reason.ERROR


def test_a_call_over_the_time_limit_is_killed_in_time() -> None:
    begun = time.monotonic()
    with pytest.raises(IsolationError) as caught:
        run("time:sleep", 60, limits=Limits(seconds=0.5, memory=4 << 30))
    assert caught.value.reason is Reason.TIME
    assert caught.value.limits.seconds == 0.5
    assert time.monotonic() - begun < 5


@pytest.mark.usefixtures("functions")
def test_its_children_are_killed_with_it_even_those_with_a_session_of_their_own(
    tmp_path: Path,
) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(IsolationError) as caught:
        run(
            "isolated_functions:hang_with_children",
            str(pids),
            limits=Limits(seconds=3, memory=4 << 30),
        )
    assert caught.value.reason is Reason.TIME
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 3
    assert gone(started)


@pytest.mark.usefixtures("functions")
def test_a_child_left_behind_is_killed_when_the_call_ends(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    assert run("isolated_functions:leave_a_child", str(pids), limits=WIDE) == "done"
    assert gone([int(pids.read_text())])


@pytest.mark.usefixtures("functions")
def test_memory_really_used_is_limited() -> None:
    with pytest.raises(IsolationError, match="MiB in use") as caught:
        run("isolated_functions:fill", 2 << 30, limits=Limits(seconds=60, memory=200 << 20))
    assert caught.value.reason is Reason.MEMORY


def test_an_absurd_single_request_fails_at_once() -> None:
    with pytest.raises(IsolationError) as caught:
        run("builtins:bytearray", 64 << 30, limits=Limits(seconds=60, memory=1 << 30))
    assert caught.value.reason is Reason.MEMORY


@pytest.mark.usefixtures("functions")
def test_a_file_cannot_grow_beyond_the_memory_limit(tmp_path: Path) -> None:
    with pytest.raises(IsolationError, match="File too large") as caught:
        run(
            "isolated_functions:write_much",
            str(tmp_path / "big"),
            2 << 30,
            limits=Limits(seconds=60, memory=1 << 30),
        )
    assert caught.value.reason is Reason.ERROR


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("name", "words"), [("fall", "SIGSEGV"), ("leave", "exit status 3 good-bye")]
)
def test_a_crash_is_told_from_an_error(name: str, words: str) -> None:
    with pytest.raises(IsolationError, match=words) as caught:
        run(f"isolated_functions:{name}", limits=WIDE)
    assert caught.value.reason is Reason.CRASH
