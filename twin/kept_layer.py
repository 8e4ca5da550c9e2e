"""What delivered files that are kept in the twin's home have in common: how one is checked, told
of, and tiled by one process at a time."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest import unread
from ingest.errors import RefusedError
from models.db.errors import RunningError
from models.db.lock import ProcessLock
from models.errors import TwinError
from models.features import DatumPassport
from models.files import write_whole
from models.findings import Finding, Place, Severity
from tiles.profile import PROFILES, Profile
from twin.options import OptionError
from twin.outcome import Outcome

#: Which profile the layer has in which store; no passport, all of which end in ``.json``.
_PROFILES: Final = ".profiles"


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


def require_profile(name: str | None) -> None:
    """Raise :class:`OptionError` for the name of no profile."""
    if name is not None and name not in PROFILES:
        raise OptionError(
            f"--profile: found '{name}', expected one of {', '.join(PROFILES)}.",
            f"--profile：收到“{name}”，应为 {'、'.join(PROFILES)} 之一。",
        )


def profile_of(place: Path, store: str, asked: str | None) -> Profile:
    """The profile that is ``asked`` for, else the one in which the layer that is kept in ``place``
    was last tiled to ``store`` (:attr:`twin.tile_stores.Places.name`)."""
    require_profile(asked)
    return PROFILES.get(asked or _profiles(place).get(store, ""), PROFILES["default"])


def remember_profile(place: Path, store: str, profile: Profile) -> None:
    """Keep for :func:`profile_of` what the layer was tiled with. Raises :class:`OSError`."""
    known = _profiles(place) | {store: profile.name}
    write_whole(place / _PROFILES, json.dumps(known, ensure_ascii=False).encode())


def _profiles(place: Path) -> dict[str, str]:
    try:
        known = json.loads((place / _PROFILES).read_text("utf-8"))
    except (OSError, ValueError):  # never tiled, or damaged: as if never tiled
        return {}
    return known if isinstance(known, dict) else {}


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
