"""Where tiles go and come from: the home folder, another folder, an object store, an archive."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tiles.store.archive import export_archive, unwritable
from tiles.store.archived import ArchiveStore
from tiles.store.base import Reader, TileStore
from tiles.store.directory import DirectoryStore
from twin.options import OptionError
from twin.settings import Settings

if TYPE_CHECKING:
    from tiles.store.bucket import BucketStore

#: The name under which the home folder's own store is remembered, wherever that folder is.
HOME: Final = "tiles"
_ARCHIVE: Final = ".3tz"
_BUCKET: Final = "s3://"
#: Seconds for which a folder may be new and not yet held by who made it.
_JUST_NOW: Final = 60.0


@dataclass(frozen=True, slots=True)
class Places:
    """The stores of layers below one root; ``name`` is how it is remembered."""

    root: Path | str
    name: str

    def store(self, twin: str, layer: str) -> TileStore:
        """The store of a layer."""
        if isinstance(self.root, Path):
            return DirectoryStore(self.root / twin / layer)
        from tiles.store.bucket import BucketStore  # its library is slow to load

        return BucketStore(f"{self.root}/{twin}/{layer}")

    def reader(self, twin: str, layer: str) -> Reader:
        """What reads a published layer: where it has no folder, from ``<layer>.3tz`` beside it."""
        if isinstance(self.root, Path) and not self.there(twin, layer):
            archive = self.root / twin / f"{layer}{_ARCHIVE}"
            if archive.is_file():
                return ArchiveStore(archive)
        return self.store(twin, layer)

    def bucket(self, twin: str, layer: str) -> BucketStore | None:
        """The store of a layer to be read while somebody waits, where it is in a bucket."""
        if isinstance(self.root, Path):
            return None
        from tiles.store.bucket import BucketStore

        return BucketStore(f"{self.root}/{twin}/{layer}", hurried=True)

    def there(self, twin: str, layer: str) -> bool:
        """Whether the layer was ever put there, as far as can be seen without asking far away."""
        return isinstance(self.root, Path) and (self.root / twin / layer).exists()


def places(settings: Settings, out: str | None) -> Places:
    """Where ``--out`` says that tiles go, by default, and for an archive where the served ones are,
    where ``TWIN_TILES_URL`` does, else into the home folder."""
    if not out or is_archive(out):
        out = settings.tiles_url
    if out is None:
        return Places(settings.tiles_dir.absolute(), HOME)
    if is_bucket(out):
        return Places(out.rstrip("/"), out.rstrip("/"))
    folder = Path(out).resolve()
    return Places(folder, str(folder))


def remembered(settings: Settings, name: str) -> Places:
    """The places of a ``name`` (:attr:`Places.name`)."""
    return Places(settings.tiles_dir.absolute(), HOME) if name == HOME else places(settings, name)


def is_archive(out: str) -> bool:
    """Whether ``--out`` names an archive."""
    return out.endswith(_ARCHIVE)


def is_bucket(out: str) -> bool:
    """Whether ``--out`` names a bucket of an object store."""
    return out.startswith(_BUCKET)


def require_one(out: str | None, layers: Sequence[tuple[str, str]]) -> None:
    """Raise :class:`OptionError` where ``out`` is an archive and more than one of the ``layers``
    (twin, layer) is to go into it."""
    if out is None or not is_archive(out) or len(layers) < 2:
        return
    found = ", ".join(f"{twin}/{layer}" for twin, layer in layers)
    raise OptionError(
        f"--out {out}: an archive holds one layer; found {found}. Add --twin and --layer.",
        f"--out {out}：一个归档只含一个图层，实际为 {found}。请加上 --twin 和 --layer。",
    )


@contextmanager
def archiving(out: str) -> Iterator[DirectoryStore]:
    """A store beside the archive ``out`` for the time of a block that tiles a layer into it; the
    archive is written at its end. What is served stays as it is. What killed processes left of the
    same is deleted first.

    Raises :class:`tiles.errors.StoreError` where the folder cannot be written to, and as
    :func:`tiles.store.archive.export_archive`.
    """
    target = Path(out).absolute()
    prefix = f".{target.name}.tiling-"
    _sweep(target.parent, prefix)
    try:
        scratch = tempfile.TemporaryDirectory(
            prefix=prefix, dir=target.parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise unwritable(target, error) from error
    with scratch as folder, _held(Path(folder)):
        store = DirectoryStore(Path(folder))
        yield store
        export_archive(store.path, target)


def _sweep(place: Path, prefix: str) -> None:
    """Delete the folders in ``place`` whose names begin so, except those that a process holds or
    has made just now and is about to."""
    with suppress(OSError):
        for remains in list(place.iterdir()):
            if not remains.name.startswith(prefix):
                continue
            # it may be gone by now, or of somebody else
            with suppress(OSError), _held(remains) as alone:
                if alone and time.time() - remains.stat().st_mtime > _JUST_NOW:
                    shutil.rmtree(remains, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Whether this process alone holds ``folder`` within the block; the kernel lets go of it when
    the process ends, however it ends. Where folders cannot be held (NFS), none is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
