from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.db.errors import RunningError
from models.db.lock import home_lock


def test_a_second_run_is_refused_while_the_first_lives(short_folder: Path) -> None:
    home = short_folder / "locked"
    program = (
        "import sys, time; from pathlib import Path; from models.db.lock import home_lock;"
        "lock = home_lock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    with first.stdout:
        try:
            assert first.stdout.readline() == "held\n"
            with pytest.raises(RunningError, match=str(first.pid)) as caught:
                home_lock(home).acquire()
            assert caught.value.pid == first.pid
        finally:
            first.kill()
            first.wait()
    with home_lock(home):
        pass


def test_a_full_disk_keeps_the_lock(short_folder: Path) -> None:
    """A process that may write no byte to a file stands for the disk."""
    home = short_folder / "full"
    program = (
        "import resource, sys; from pathlib import Path; from models.db.lock import home_lock\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "with home_lock(Path(sys.argv[1])): print('held')"
    )
    command = [sys.executable, "-c", program, str(home)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("held\n", "")
