"""kill -9 in the middle of a build; only tests import this."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_DYING: Final = """
import os, pickle, signal, sys

def progress(done, total):
    if done >= int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

with open(sys.argv[1], "rb") as stream:
    build, given, more = pickle.load(stream)
build(*given, **more, progress=progress)
"""


class Killing:
    """A ``progress`` that kills a worker of this process, once, where ``now(done, total)``."""

    def __init__(self, now: Callable[[int, int], bool]) -> None:
        self.killed = False
        self._now = now

    def __call__(self, done: int, total: int) -> None:
        """See the class."""
        if not self.killed and self._now(done, total):
            victim = multiprocessing.active_children()[0].pid
            assert victim is not None
            os.kill(victim, signal.SIGKILL)
            self.killed = True


def die_at(
    steps: int,
    build: Callable[..., Any],
    given: Sequence[Any],
    more: Mapping[str, Any],
    folder: Path,
) -> None:
    """``build(*given, **more)`` in a process that is killed once so many steps are done."""
    told = folder / "told"
    told.write_bytes(pickle.dumps((build, given, more)))
    ended = subprocess.run([sys.executable, "-c", _DYING, told, str(steps)], check=False)
    assert ended.returncode == -signal.SIGKILL
