"""Following dates: what was delivered ahead comes into the tiles on its day."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import structlog

from models.db.connection import connect
from models.db.tiles_changes import Dates, dates
from models.errors import TwinError
from models.twins import load_twins
from twin.logs import configure
from twin.settings import Settings
from twin.tile_stores import places

#: What others publish meanwhile, with dates to come, is noticed within so many seconds.
LOOK_SECONDS: Final = 60.0
#: Seconds between two looks at least, whatever the clocks of this machine and the database say.
_PAUSE: Final = 0.2

_log = structlog.get_logger("twin.dates")


@contextmanager
def followed(settings: Settings, url: str, every: float = LOOK_SECONDS) -> Iterator[None]:
    """While the block runs, layers of the served store are tiled again when a date comes that
    something in them was recorded ahead for.

    The work is done in a process of its own, which ends with the block; ``every`` is the longest
    time between two looks, s.
    """
    configure(settings.log_level)
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(settings, url, every, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(settings: Settings, url: str, every: float, over: threading.Event) -> None:
    done: datetime | None = None
    while True:
        wait = every
        try:
            found = _look(settings, url, done)
            if found.next is not None:
                wait = max(_PAUSE, min(every, found.next + _PAUSE))
            if found.due and _tiled(settings, url, found.due, over):
                done = found.asked
        except TwinError as error:  # the database may be back at the next look
            _log.error("dates cannot be followed now", error=error.en)
        except Exception:  # noqa: BLE001 a fault of this look, whatever it is, must not end the others
            _log.exception("dates cannot be followed now")
        if over.wait(wait):
            return


def _look(settings: Settings, url: str, done: datetime | None) -> Dates:
    with connect(url, read_only=True) as conn:
        return dates(conn, places(settings, None).name, done)


def _tiled(settings: Settings, url: str, twins: tuple[str, ...], over: threading.Event) -> bool:
    """Tile in a process of its own, lest answers wait for it; whether it came to its end."""
    _log.info("dates have come, tiles follow", twins=twins)
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_follow, args=(settings, url, twins))
    process.start()
    while process.is_alive() and not over.wait(_PAUSE):
        pass
    process.terminate()  # where the service ends; what was made is taken up by the next run
    process.join()
    if process.exitcode and not over.is_set():
        _log.error("tiles did not follow dates", status=process.exitcode)
    return process.exitcode == 0


def _follow(settings: Settings, url: str, twins: tuple[str, ...]) -> None:
    from twin import derived, tiling

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this
    configure(settings.log_level)
    known = load_twins(settings.twins_dir)
    try:
        for twin in (known[name] for name in twins if name in known):
            derived.renew(url, [twin])
            tiling.follow(settings, url, twin)
    except TwinError as error:
        _log.error("tiles cannot follow dates now", error=error.en)
        sys.exit(1)
