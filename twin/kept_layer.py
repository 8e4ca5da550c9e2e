"""What delivered files that are kept in the twin's home have in common: how one is checked, told
of, and tiled by one process at a time."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest import unread
from ingest.errors import RefusedError
from models.db.errors import RunningError
from models.db.lock import ProcessLock
from models.errors import TwinError
from models.features import DatumPassport
from models.findings import Finding, Place, Severity
from models.kept import Shelf
from twin.outcome import Outcome

if TYPE_CHECKING:
    from models.twins import TwinDefinition


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


def take_files(
    files: Sequence[Path],
    layer: str,
    read: Callable[[Path, str], Taken],
    shelf: Shelf[Any, Any],
    home: Path | None,
    twin: TwinDefinition | None,
    replace_all: bool,
) -> list[Outcome]:
    """What became of ``files``, each of which ``read`` checks under the name that it goes by and,
    where ``home`` is given, keeps on ``shelf``.

    Files of one name in different folders are told apart by these. With ``replace_all``, what is
    not delivered again is dropped, unless a file was refused.
    """
    names = names_of(files)
    outcomes = [
        outcome(path, layer, partial(read, path, name), name)
        for path, name in zip(files, names, strict=True)
    ]
    whole = outcomes and all(one.accepted for one in outcomes)
    if replace_all and whole and home is not None and twin is not None:
        for kept in shelf.entries(home, twin.id):
            if kept.passport.name not in names:
                shelf.drop(kept)
    return outcomes


def names_of(files: Sequence[Path]) -> list[str]:
    """What each of ``files`` goes by: its name, with so many of the folders that it lies in as tell
    it from the others."""
    parts = dict.fromkeys(files, 1)
    while True:
        named = {path: "/".join(path.parts[-count:]) for path, count in parts.items()}
        times = Counter(named.values())
        alike = [p for p, name in named.items() if times[name] > 1 and parts[p] < len(p.parts)]
        if not alike:
            return [named[path] for path in files]
        for path in alike:
            parts[path] += 1


@contextmanager
def scratch(place: Path, busy: Callable[[str], TwinError]) -> Iterator[Path]:
    """A folder for large files in ``place``, for one process at a time; it is deleted at the end,
    unless the process is killed. Raises what ``busy`` makes of the number of a process that has it.
    """
    try:
        lock = ProcessLock(place / "tiling.lock").acquire()
    except RunningError as error:
        raise busy(str(error.pid or "?")) from error
    made = place / ".tiling"
    try:
        made.mkdir(exist_ok=True)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        lock.release()
