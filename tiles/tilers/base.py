"""The contracts of a tiler and of a source: what :func:`tiles.build.build_layer` tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tiles.content import F64, Content
from tiles.massing import Massing

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeatureIndex:
    """What the tree needs to know of the n features that a tiler can draw.

    ``ids`` (n,) stable feature ids as text; ``boxes`` (n, 6) float64 as minimum x, y, z then
    maximum x, y, z in the layer's ENU frame (metres); ``bytes`` (n,) and ``triangles`` (n,) int64
    are estimates for the split, measured on the triangles that the feature will have (an instanced
    mesh counts its transformation only). Row i here is row i of :meth:`Tiler.content`.
    """

    ids: Sequence[str]
    boxes: F64
    bytes: I64
    triangles: I64


@dataclass(frozen=True, slots=True)
class RefusedFeature:
    """A feature that is not in any tile, with the reason in both languages."""

    id: str
    code: str
    zh: str
    en: str


class Tiler(Protocol):
    """Turns the features of one layer into tile contents.

    ``layer`` names the layer in URLs; ``frame`` is the (4, 4) float64 matrix ENU → ECEF
    (:func:`models.crs.enu_frame`) that all boxes, positions and translations are relative to.
    ``refused`` grows while ``index`` and ``content`` run; features in = in tiles + refused.

    ``index`` is called once, before any ``content``. ``content`` gets rows of the index, ascending
    and without duplicates, and must depend on nothing but them: equal rows give equal content, in
    the same order. It may leave out a feature that turns out to be broken, after adding it to
    ``refused``; column ids, types, units and enums are the same in every content of a layer, and
    the first column is ``id`` with the index's ids. It opens no file and reads no settings.
    """

    layer: str
    frame: F64
    refused: list[RefusedFeature]

    def index(self) -> FeatureIndex:
        """Ids, boxes and cost of all features that can be drawn."""
        ...

    def content(self, rows: I64) -> Content:
        """Meshes and properties of the features in ``rows`` (k,)."""
        ...


@runtime_checkable
class Generalised(Protocol):
    """A tiler that can also say what its features look like from afar."""

    def massing(self, rows: I64) -> Massing:
        """Boxes that stand for the features in ``rows`` (k,)."""
        ...


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """As :class:`FeatureIndex`, for a layer that is read in pieces: ``keys`` (n,) int64 say what to
    read. Boxes may be rough here; those in the tileset come from real vertices."""

    keys: I64
    boxes: npt.NDArray[np.floating[Any]]
    bytes: npt.NDArray[np.integer[Any]]
    triangles: npt.NDArray[np.integer[Any]]


class Batch(Protocol):
    """Some features of a layer, ready to become contents.

    ``ids`` (k,) are theirs; ``refused`` grows while ``content`` runs. ``content`` gets rows of
    ``ids`` and keeps to the same rules as :meth:`Tiler.content`.
    """

    ids: Sequence[str]
    refused: list[RefusedFeature]

    def content(self, rows: I64) -> Content:
        """Meshes and properties of the features in ``rows`` (m,)."""
        ...

    def massing(self, rows: I64) -> Massing | None:
        """What stands for the features in ``rows`` from afar; None where a layer has no such."""
        ...


class Loader(Protocol):
    """Reads features by key, in any process: it can be pickled, and opens what it needs itself."""

    def load(self, keys: I64) -> Batch:
        """The features of ``keys`` (k,), in that order."""
        ...


@runtime_checkable
class Identified(Protocol):
    """A :class:`Loader` that can say what it will read without reading it."""

    def identity(self, keys: I64) -> bytes:
        """Bytes that are the same only for the same features with the same content."""
        ...


@runtime_checkable
class Source(Protocol):
    """A layer of any size: an index that fits into memory, and features read when their turn comes.

    ``refused`` is complete after ``index`` but for what batches refuse.
    """

    layer: str
    frame: F64
    refused: list[RefusedFeature]

    def index(self) -> KeyIndex:
        """Keys, boxes and cost of all features that may be drawn."""
        ...

    def loader(self) -> Loader:
        """What reads them, after ``index``."""
        ...


class Whole:
    """A :class:`Tiler`, which holds its layer in memory, as a :class:`Source`."""

    def __init__(self, tiler: Tiler) -> None:
        self.layer, self.frame = tiler.layer, tiler.frame
        self._tiler = tiler
        self._ids: Sequence[str] = ()
        self.refused: list[RefusedFeature] = []

    def index(self) -> KeyIndex:
        """See :meth:`Source.index`."""
        found = self._tiler.index()
        self._ids = found.ids
        self.refused = list(self._tiler.refused)
        keys = np.arange(len(found.ids), dtype=np.int64)
        return KeyIndex(keys, found.boxes, found.bytes, found.triangles)

    def loader(self) -> Loader:
        """See :meth:`Source.loader`; it carries the whole layer."""
        return _WholeLoader(self._tiler, self._ids)


@dataclass(frozen=True, slots=True)
class _WholeLoader:
    tiler: Tiler
    ids: Sequence[str]

    def load(self, keys: I64) -> Batch:
        return _Part(self.tiler, keys, [self.ids[key] for key in keys])


class _Part:
    def __init__(self, tiler: Tiler, keys: I64, ids: Sequence[str]) -> None:
        self.ids = ids
        self.refused: list[RefusedFeature] = []
        self._tiler, self._keys = tiler, keys

    def content(self, rows: I64) -> Content:
        before = len(self._tiler.refused)
        content = self._tiler.content(self._keys[rows])
        self.refused += self._tiler.refused[before:]
        return content

    def massing(self, rows: I64) -> Massing | None:
        if isinstance(self._tiler, Generalised):
            return self._tiler.massing(self._keys[rows])
        return None
