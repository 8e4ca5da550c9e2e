"""Where tiles go and come from: the home folder, another folder, an object store, an archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tiles.store.archive import export_archive
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
    """Where ``--out`` says that tiles go, by default where ``TWIN_TILES_URL`` does, else into the
    home folder; an archive is made from the home folder's store."""
    out = out or settings.tiles_url
    if out is None or is_archive(out):
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


def export(settings: Settings, out: str, tiled: Sequence[tuple[str, str]]) -> None:
    """Write the one layer that was ``tiled`` (twin, layer) as an archive.

    Raises :class:`OptionError` where it is not one, and as
    :func:`tiles.store.archive.export_archive`.
    """
    if len(tiled) != 1:
        found = ", ".join(f"{twin}/{layer}" for twin, layer in tiled) or "none"
        raise OptionError(
            f"--out {out}: an archive holds one layer; found {found}. Add --twin and --layer.",
            f"--out {out}：一个归档只含一个图层，实际为 {found}。请加上 --twin 和 --layer。",
        )
    twin, layer = tiled[0]
    export_archive(settings.tiles_dir / twin / layer, Path(out))
