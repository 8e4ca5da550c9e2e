"""Delivered files that a twin keeps in its home: ``{home}/{name}/{twin}/``.

Each lies there under its SHA-256 with its passport beside it, which is written last, so that a
reader sees whole deliveries only. One that is delivered again under the same name takes the old
one's place.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from models.errors import TwinError
from models.files import write_whole


class Passport(Protocol):
    """What the check of a delivery found; a dataclass of plain values."""

    @property
    def name(self) -> str:
        """What the delivery goes by."""
        ...

    @property
    def sha256(self) -> str:
        """The digest of what was delivered."""
        ...


PassportT = TypeVar("PassportT", bound=Passport)


class Entry(Protocol):
    """A delivery that is kept: its file or folder, and its passport."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def passport(self) -> Any:
        """What its check found: a :class:`Passport`."""
        ...


EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True, slots=True)
class Shelf(Generic[PassportT, EntryT]):
    """Where deliveries of a kind are kept, each in a file with ``suffix`` or, without, a folder.

    ``read`` makes a passport of its JSON, ``entry`` what :meth:`entries` gives, ``damaged`` the
    error about a path.
    """

    name: str
    suffix: str
    read: Callable[[dict[str, Any]], PassportT]
    entry: Callable[[Path, PassportT], EntryT]
    damaged: Callable[[Path], TwinError]

    def folder(self, home: Path, twin: str) -> Path:
        """Where those of ``twin`` lie."""
        return home / self.name / twin

    def put(self, home: Path, twin: str, passport: PassportT, copy: Callable[[Path], None]) -> Path:
        """Keep what ``copy`` puts at the path that it is given, which is returned.

        An older one of the same name is deleted. Raises :class:`OSError`.
        """
        place = self.folder(home, twin)
        place.mkdir(parents=True, exist_ok=True)
        kept = place / f"{passport.sha256}{self.suffix}"
        copy(kept)
        text = json.dumps(asdict(passport), ensure_ascii=False, indent=1)  # type: ignore[call-overload]
        write_whole(kept.with_suffix(".json"), text.encode())
        for other in self.entries(home, twin):
            if other.passport.name == passport.name and other.path != kept:
                self.drop(other)
        return kept

    def drop(self, kept: EntryT) -> None:
        """Take ``kept`` from its twin. Raises :class:`OSError`."""
        kept.path.with_suffix(".json").unlink(missing_ok=True)
        if self.suffix:
            kept.path.unlink(missing_ok=True)
        else:
            shutil.rmtree(kept.path, ignore_errors=True)

    def entries(self, home: Path, twin: str) -> list[EntryT]:
        """What is kept of ``twin`` in the order of names and hashes.

        Raises what ``damaged`` makes where a passport is damaged or what it is about is gone.
        """
        found = []
        for path in self.folder(home, twin).glob("*.json"):
            try:
                passport = self.read(json.loads(path.read_text("utf-8")))
            except FileNotFoundError:  # dropped meanwhile
                continue
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise self.damaged(path) from error
            kept = path.with_suffix(self.suffix)
            if not kept.exists():
                raise self.damaged(kept)
            found.append(self.entry(kept, passport))
        return sorted(found, key=lambda one: (one.passport.name, one.passport.sha256))
