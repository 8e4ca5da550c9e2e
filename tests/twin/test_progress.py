"""Progress shows on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from twin.testing import TWIN

PLANTED = Path(__file__).resolve().parents[2] / "data-samples" / "planted" / "no_crs.xlsx"
#: What a terminal obeys and does not show.
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_BAR = "━".encode()


def on_a_terminal(tmp_path: Path) -> tuple[int, bytes]:
    """Exit status and what a pseudo-terminal gets of ``twin check``, control sequences included."""
    controller, terminal = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TWIN_", "NO_COLOR"))}
    process = subprocess.Popen(
        [str(TWIN), "check", str(PLANTED)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": "120", "TWIN_HOME": str(tmp_path)},
    )
    os.close(terminal)
    shown = bytearray()
    until = time.monotonic() + 120
    try:
        while time.monotonic() < until:
            ready, _, _ = select.select([controller], [], [], 0.5)
            if ready:
                try:
                    part = os.read(controller, 65536)
                except OSError:  # Linux: the last one who had the terminal open is gone
                    break
                if not part:
                    break
                shown += part
            elif process.poll() is not None:
                break
    finally:
        os.close(controller)
        if process.poll() is None and time.monotonic() >= until:
            process.kill()
        status = process.wait(30)
    return status, bytes(shown)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, bytes]:
    return on_a_terminal(tmp_path_factory.mktemp("home"))


def test_a_terminal_gets_a_bar_that_is_redrawn(terminal: tuple[int, bytes]) -> None:
    status, shown = terminal
    assert status == 2  # the file is refused; progress shows all the same
    assert "读取检查 read and check 1 文件 file".encode() in shown
    assert _BAR in shown
    assert b"\x1b[?25l" in shown  # the cursor is hidden while it moves
    assert b"\x1b[?25h" in shown  # and shown again
    assert b"1/1" in _CONTROL.sub(b"", shown)


def test_the_findings_stand_below_it(terminal: tuple[int, bytes]) -> None:
    plain = _CONTROL.sub(b"", terminal[1]).decode()
    assert plain.index("1/1") < plain.index("MET-01") < plain.index("拒收 refused")


def test_a_pipe_gets_one_plain_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [str(TWIN), "check", str(PLANTED)],
        capture_output=True,
        env={**os.environ, "TERM": "xterm-256color", "TWIN_HOME": str(tmp_path)},
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("读取检查 read and check".encode()) == 1
    assert _BAR * 3 not in ended.stderr.split("读取检查".encode())[1].split(b"\n")[0]
    assert b"\x1b" not in ended.stdout + ended.stderr
    assert b"1/1" not in ended.stderr
