"""The contract of a tile store: immutable, content-addressed files under one switchable root."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

ROOT = "tileset.json"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it lies in the store.

    ``data`` are the bytes at rest, ``encoding`` the HTTP Content-Encoding they have (``gzip``);
    ``media_type`` is that of the decoded content. ``digest`` is the SHA-256 (32 hex digits) of the
    decoded content, fit for a strong ETag together with the encoding; ``immutable`` is true for
    every name that holds its digest and false for the root.
    """

    name: str
    data: bytes
    encoding: str
    media_type: str
    digest: str
    immutable: bool

    def decoded(self) -> bytes:
        """The content itself, e.g. a GLB that starts with ``glTF``."""
        return gzip.decompress(self.data) if self.encoding == "gzip" else self.data


class Sink(Protocol):
    """Takes the contents and external tilesets of a layer."""

    def put(self, data: bytes, suffix: str) -> str:
        """Store ``data`` under ``<digest>.<suffix>`` (``glb`` or ``json``) and return that name."""
        ...


class Reader(Protocol):
    """Hands out the files of a layer."""

    def get(self, name: str) -> StoredFile:
        """Read a file by name. Raises :class:`tiles.errors.TileNotFoundError`."""
        ...


class TileStore(Sink, Reader, Protocol):
    """Keeps one layer of one twin: its contents, external tilesets and the root tileset.

    ``put`` may run in several processes at once and is idempotent; nothing that was put is ever
    changed. Readers see the old root or the new one whole, never a mixture, and files of the old
    root stay until a collector that knows no reader needs them removes them.
    """

    def publish(self, root: bytes) -> str:
        """Switch the root tileset to ``root`` (JSON) atomically; returns its digest."""
        ...

    def names(self, older: float = 0.0) -> set[str]:
        """Names of all files but the root that were put at least ``older`` seconds ago."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Delete files that no reader needs; one that is not there is none."""
        ...
