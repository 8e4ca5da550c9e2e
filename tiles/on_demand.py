"""Tilesets made when they are asked for, by the code that makes the published ones, into a cache.

Equal features with equal content give equal files: contents, far views, boxes and statistics. What
a piece of work came to is kept as well, so that a build that ran out of time goes on where it
stopped, and two questions that share tiles share the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import orjson

from tiles.build import Options, make_layer
from tiles.contents import Stored
from tiles.gltf import Profile
from tiles.layer_tree import Made
from tiles.massing import Massing
from tiles.massing_bytes import packed, unpacked
from tiles.mesh.ragged import I64
from tiles.metadata import JsonObject
from tiles.statistics import Statistics
from tiles.store.base import StoredFile
from tiles.store.cache import DiskCache
from tiles.store.directory import MEDIA, NAME, digest, pack
from tiles.tilers.base import Batch, Identified, KeyIndex, Loader, RefusedFeature, Source


@dataclass(frozen=True, slots=True)
class OnDemand:
    """A tileset: its ``root`` (JSON) and the names of all other ``files``, which are in a cache."""

    root: bytes
    files: frozenset[str]

    def packed(self) -> bytes:
        """This as bytes."""
        return orjson.dumps(sorted(self.files)) + b"\n" + self.root

    @classmethod
    def unpacked(cls, data: bytes) -> OnDemand:
        """The opposite of :meth:`packed`."""
        line, _, root = data.partition(b"\n")
        return cls(root, frozenset(orjson.loads(line)))


class Shelf:
    """The files of one layer of one twin in a ``cache``; ``place`` is told from that of others.

    A :class:`tiles.store.base.Sink`.
    """

    def __init__(self, cache: DiskCache, place: str) -> None:
        self.cache, self._place = cache, place

    def put(self, data: bytes, suffix: str) -> str:
        """See :meth:`tiles.store.base.Sink.put`."""
        name = f"{digest(data)}.{suffix}"
        self.cache.put(self._at(name), pack(data))  # what seems to be there may be damaged
        return name

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        return self.cache.has(self._at(name))

    def get(self, name: str) -> StoredFile | None:
        """A file, None where it is not there any more or never was."""
        match = NAME.fullmatch(name)
        data = None if match is None else self.cache.get(self._at(name))
        if match is None or data is None:
            return None
        return StoredFile(name, data, "gzip", MEDIA[match["suffix"]], match["digest"], True)

    def _at(self, name: str) -> str:
        return f"file/{self._place}/{name}"


def on_demand(
    source: Source, shelf: Shelf, profile: Profile, signature: bytes, going: Callable[[], None]
) -> OnDemand:
    """The tileset of ``source``, its files put on ``shelf``.

    ``signature`` names all that contents depend on but features (and, where keys of ``source`` mean
    something in it alone, which those are). ``going`` is called between contents, and ends the
    work where it raises. Raises as :func:`tiles.build.build_layer`.
    """

    def progress(done: int, total: int) -> None:
        going()

    opened = _Opened(source)
    with closing(opened):
        options = Options(profile, progress=progress)
        built = make_layer(opened, shelf, options, _Remembered(shelf, signature))
    return OnDemand(built.root, frozenset(built.files))


def asked_with(root: bytes, query: str) -> bytes:
    """A tileset's JSON whose contents are asked for with ``query``."""
    document = orjson.loads(root)
    tiles = [document["root"]]
    while tiles:
        tile = tiles.pop()
        if "content" in tile:
            tile["content"]["uri"] += f"?{query}"
        tiles += tile.get("children", ())
    return orjson.dumps(document)


class _Opened:
    """A :class:`tiles.tilers.base.Source` whose loader is closed with it, and can say what it will
    read even where keys mean something in this very source alone."""

    def __init__(self, source: Source) -> None:
        self.layer, self.frame = source.layer, source.frame
        self.refused: list[RefusedFeature] = []
        self._source = source
        self._loader: Loader | None = None

    def index(self) -> KeyIndex:
        """See :meth:`tiles.tilers.base.Source.index`."""
        found = self._source.index()
        self.refused = self._source.refused
        return found

    def loader(self) -> Loader:
        """See :meth:`tiles.tilers.base.Source.loader`."""
        self._loader = self._source.loader()
        return self._loader if isinstance(self._loader, Identified) else _Numbered(self._loader)

    def close(self) -> None:
        """End what the loader holds."""
        close = getattr(self._loader, "close", None)
        if close is not None:
            close()


@dataclass(frozen=True, slots=True)
class _Numbered:
    """An :class:`tiles.tilers.base.Identified` loader, whose keys are all there is to say."""

    loader: Loader

    def identity(self, keys: I64) -> bytes:
        return keys.tobytes()

    def load(self, keys: I64) -> Batch:
        return self.loader.load(keys)


class _Remembered:
    """A :class:`tiles.layer_tree.Memory` beside the files on ``shelf``."""

    def __init__(self, shelf: Shelf, signature: bytes) -> None:
        self.signature = signature
        self._shelf = shelf

    def find(self, digests: Sequence[bytes]) -> Mapping[bytes, Made]:
        """See :meth:`tiles.layer_tree.Memory.find`; massing comes with it, lest it be gone when it
        is wanted."""
        out = {}
        for key in digests:
            data = self._shelf.cache.get(f"work/{key.hex()}")
            made = None if data is None else _made(key, data)
            if made is not None and (made.stored is None or self._shelf.has(made.stored.uri)):
                out[key] = made
        return out

    def massing(self, digests: Sequence[bytes]) -> Mapping[bytes, Massing]:
        """See :meth:`tiles.layer_tree.Memory.massing`."""
        found = ((key, made.stored) for key, made in self.find(digests).items())
        return {key: s.massing for key, s in found if s is not None and s.massing is not None}

    def keep(self, made: Sequence[Made]) -> None:
        """See :meth:`tiles.layer_tree.Memory.keep`."""
        for one in made:
            self._shelf.cache.put(f"work/{one.digest.hex()}", _packed(one))


def _packed(made: Made) -> bytes:
    stored = made.stored
    head: JsonObject = {
        "refused": [(one.id, one.code, one.zh, one.en) for one in made.refused],
        "far": made.far,
        "schema": made.schema,
    }
    if stored is None:
        return orjson.dumps(head)
    head |= {
        "uri": stored.uri,
        "box": stored.box.tolist(),
        "size": stored.size,
        "statistics": stored.statistics.to_plain(),
    }
    massing = b"" if stored.massing is None else packed(stored.massing)
    return orjson.dumps(head) + b"\n" + massing


def _made(key: bytes, data: bytes) -> Made:
    line, _, rest = data.partition(b"\n")
    head = orjson.loads(line)
    stored = None
    if "uri" in head:
        massing = unpacked(rest) if rest else None
        counted = Statistics.from_plain(head["statistics"])
        stored = Stored(head["uri"], np.array(head["box"]), head["size"], massing, counted)
    refused = tuple(RefusedFeature(*one) for one in head["refused"])
    return Made(key, None, stored, refused, head["far"], head["schema"])
