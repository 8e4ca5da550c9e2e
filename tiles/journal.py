"""What finished work came to, kept on disk, so that a build that was killed goes on where it was.

Each piece of work has a name and, once it is done, a file with its result; whoever is to do it
again, in whichever process, reads that. All lies in a folder named by a digest of what results
depend on, the program included, so that results of anything else are never taken for them. A
machine that was started anew may have lost what was not on disk yet: its results are not trusted.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

from tiles.code import LIBRARIES, code_digest

Result = TypeVar("Result")

_DONE: Final = ".done"
#: Folders of :mod:`tiles` that no content comes from, and libraries that layers of files need.
_OTHERS: Final = ("__pycache__", "check", "store")
_LIBRARIES: Final = (*LIBRARIES, "laspy", "lazrs", "opengl-decimate", "pillow", "rasterio")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Journal:
    """The results in ``folder``; work may leave other files there, each whole (:func:`whole`)."""

    folder: Path

    @classmethod
    def open(cls, place: Path, *parts: object) -> Journal:
        """The journal of work on ``parts`` (plain values that say so in their repr) in the folder
        ``place``, from which all else is deleted. Raises OSError."""
        folder = place / key(*parts)
        for other in place.iterdir():
            if other != folder:
                _delete(other)
        folder.mkdir(exist_ok=True)
        return cls(folder)

    def once(self, name: str, make: Callable[[], Result]) -> Result:
        """What ``make`` gives or has given before under ``name``. Raises what it does, OSError."""
        path = self.folder / f"{name}{_DONE}"
        try:
            known: Result = pickle.loads(path.read_bytes())  # noqa: S301 - our own, by this program
        except FileNotFoundError:
            known = make()
            with whole(path) as half:
                half.write_bytes(pickle.dumps(known))
        return known

    def keep(self, good: Callable[[Any], bool]) -> int:
        """Forget the results that are no longer ``good``; how many are left. Raises OSError."""
        left = 0
        for path in self.folder.glob(f"*{_DONE}"):
            if good(pickle.loads(path.read_bytes())):  # noqa: S301 - our own
                left += 1
            else:
                path.unlink()
        return left


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what then appears at ``path`` in one step: a process that goes on while the
    one that started it was killed may be writing the same."""
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        yield half
        half.replace(path)
    except BaseException:
        with suppress(OSError):
            half.unlink()
        raise


def key(*parts: object) -> str:
    """The digest of ``parts``, this program and this run of the machine."""
    out = hashlib.blake2b(code_digest(_OTHERS, _LIBRARIES), digest_size=16)
    try:
        out.update(_BOOT.read_bytes())
    except OSError:  # a system that does not tell: nothing is ever found again
        out.update(uuid4().bytes)
    for part in parts:
        said = repr(part).encode()
        out.update(len(said).to_bytes(8, "little") + said)
    return out.hexdigest()


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)  # a process of a killed run may be writing there
    else:
        path.unlink(missing_ok=True)
