"""What delivered files that are kept in the twin's home have in common: how one is checked, told
of, and tiled by one process at a time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest import unread
from ingest.errors import RefusedError
from models.db.errors import RunningError
from models.db.lock import ProcessLock
from models.errors import TwinError
from models.features import DatumPassport
from models.findings import Finding, Place, Severity
from tiles.profile import PROFILES, Profile
from twin.options import OptionError
from twin.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found in a file that is accepted: ``count`` things, ``refused`` of them; ``files``
    are those that were read for it."""

    count: int
    refused: int
    findings: tuple[Finding, ...]
    passport: DatumPassport
    files: tuple[Path, ...]


def outcome(path: Path, layer: str, work: Callable[[], Taken], name: str | None = None) -> Outcome:
    """What became of ``path``, known as ``name``, when ``work`` read and kept it.

    What ``work`` raises of :class:`TwinError` and OSError becomes findings.
    """
    started = time.perf_counter()
    findings: tuple[Finding, ...]
    files: tuple[Path, ...] = (path,)
    passport: DatumPassport | None = None
    count, accepted = 1, 0
    try:
        taken = work()
    except RefusedError as error:
        findings = error.findings
    except TwinError as error:
        findings = (Finding(error.code, Severity.ERROR, Place(path.name), error.zh, error.en),)
    except OSError as error:
        findings = (unread.unreadable(path.name, error),)
    else:
        findings, passport, files = taken.findings, taken.passport, taken.files
        count, accepted = taken.count, taken.count - taken.refused
    return Outcome(
        (name or path.name,),
        layer,
        count,
        accepted,
        findings,
        time.perf_counter() - started,
        handed=files,
        passport=passport,
    )


def profile_named(name: str | None) -> Profile:
    """The profile of this name. Raises :class:`OptionError` where there is none."""
    if name is not None and name not in PROFILES:
        raise OptionError(
            f"--profile: found '{name}', expected one of {', '.join(PROFILES)}.",
            f"--profile：收到“{name}”，应为 {'、'.join(PROFILES)} 之一。",
        )
    return PROFILES[name or "default"]


@contextmanager
def scratch(place: Path, busy: Callable[[str], TwinError]) -> Iterator[Path]:
    """An empty folder for large files in ``place``, for one process at a time; what a killed one
    left there is deleted. Raises what ``busy`` makes of the number of a process that has it."""
    try:
        lock = ProcessLock(place / "tiling.lock").acquire()
    except RunningError as error:
        raise busy(str(error.pid or "?")) from error
    made = place / ".tiling"
    try:
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        lock.release()
