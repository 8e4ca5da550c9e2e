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
