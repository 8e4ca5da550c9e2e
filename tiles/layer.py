"""A layer's tree with its contents as they come: leaves, then what shows them from afar.

Contents made before are taken over where a memory knows the same work: after a change, or after a
build that was killed, only what is missing is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

from tiles.contents import Context, Done, LeafTask, MassingTask, Stored, Task, same_schema
from tiles.layer_tree import Branch, Knot, Made, Memory, tile_of
from tiles.massing import Massing
from tiles.mesh.ragged import I64
from tiles.metadata import JsonObject
from tiles.statistics import Statistics
from tiles.tilers.base import Identified, RefusedFeature
from tiles.tileset import Tile
from tiles.workers import Runner

#: Called after each leaf with leaves done and leaves in all.
Progress = Callable[[int, int], None]

#: Features read at a time: they fill a worker's memory with some tens of megabytes.
BATCH: Final = 4000
#: Bytes of the digest that names a piece of work.
_DIGEST: Final = 16


class Layer:
    """Makes the contents of ``root`` with ``runner``, and counts over them.

    ``written`` contents were made, the others of ``tiles`` taken over from ``memory``.
    """

    def __init__(
        self,
        root: Branch | None,
        context: Context,
        runner: Runner[Context, Task, Done],
        memory: Memory | None = None,
        schema: JsonObject | None = None,
    ) -> None:
        self.schema = schema
        self.tiles = 0
        self.written = 0
        self.bytes = 0
        self._context, self._runner, self._memory = context, runner, memory
        self._progress: Progress | None = None
        self._done = 0
        self.knots: list[Knot] = []
        self._leaves: list[int] = []  # their knots
        if root is not None:
            self._add(root, None)

    @property
    def tile(self) -> Tile | None:
        """The root tile; None if every feature was refused."""
        return self.knots[0].tile if self.knots else None

    def refused(self) -> Iterator[RefusedFeature]:
        """What the contents refused, in the order of the leaves."""
        for leaf in self._leaves:
            made = self.knots[leaf].made
            yield from made.refused if made is not None else ()

    def files(self) -> Iterator[str]:
        """The names of all contents in the store."""
        for knot in self.knots:
            if knot.made is not None and knot.made.stored is not None:
                yield knot.made.stored.uri

    def statistics(self) -> Statistics:
        """What is counted over all contents."""
        out = Statistics()
        for knot in self.knots:
            if knot.made is not None and knot.made.stored is not None:
                out.merge(knot.made.stored.statistics)
        return out

    def run(self, progress: Progress | None) -> None:
        """Make what is not known, all contents in the end."""
        self._progress = progress
        self._runner.tasks.extend(self._tasks(self._take_over()))
        with closing(self._runner.results()) as results:
            for done in results:
                self._take(done)

    def _add(self, branch: Branch, above: int | None) -> int:
        number = len(self.knots)
        knot = Knot(above, branch)
        self.knots.append(knot)
        if not branch.children:
            self._leaves.append(number)
        knot.children = [self._add(child, number) for child in branch.children]
        knot.waiting = len(knot.children)
        return number

    def _take_over(self) -> list[int]:
        """Finish the leaves that are known; those to be made."""
        loader = self._context.loader
        for leaf in self._leaves:
            knot = self.knots[leaf]
            knot.digest = knot.branch.digest
            keys = knot.branch.keys
            if self._memory is not None and keys is not None and isinstance(loader, Identified):
                knot.digest = _digest(self._memory.signature, b"leaf", loader.identity(keys))
        known = self._known([self.knots[leaf].digest for leaf in self._leaves])
        rest = []
        for leaf in self._leaves:
            made = known.get(self.knots[leaf].digest or b"")
            if made is None:
                rest.append(leaf)
            else:
                self._leaf_done(leaf, made)
        return rest

    def _known(self, digests: Sequence[bytes | None]) -> Mapping[bytes, Made]:
        asked = [digest for digest in digests if digest is not None]
        return self._memory.find(asked) if self._memory is not None and asked else {}

    def _tasks(self, leaves: Sequence[int]) -> Iterator[LeafTask]:
        """Neighbouring leaves together, so that each reads enough at once."""
        numbers: list[int] = []
        held: list[I64] = []
        size = 0
        for leaf in leaves:
            keys = self.knots[leaf].branch.keys
            if keys is None:
                raise KeyError(f"leaf {leaf} is neither known nor has it keys")
            self.knots[leaf].branch = replace(self.knots[leaf].branch, keys=None)
            numbers.append(leaf)
            held.append(keys)
            size += len(keys)
            if size >= BATCH or leaf == leaves[-1]:
                yield LeafTask(numbers, held)
                numbers, held, size = [], [], 0

    def _take(self, done: Done) -> None:
        self.written += sum(stored is not None for stored in done.contents)
        if isinstance(done.task, MassingTask):
            knot = self.knots[done.task.number]
            made = _made(knot.digest, None, done.contents[0], (), None)
            self._keep([made])
            self._finish(done.task.number, made)
            return
        made_leaves = [
            _made(self.knots[leaf].digest, keys, stored, refused, done.schema)
            for leaf, keys, stored, refused in zip(
                done.task.numbers, done.task.keys, done.contents, done.refused, strict=True
            )
        ]
        if not done.lost:
            self._keep(made_leaves)
        for leaf, made in zip(done.task.numbers, made_leaves, strict=True):
            self._leaf_done(leaf, made)

    def _keep(self, made: Sequence[Made]) -> None:
        if self._memory is not None and made[0].digest:
            self._memory.keep(made)

    def _leaf_done(self, leaf: int, made: Made) -> None:
        self._finish(leaf, made)
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, len(self._leaves))

    def _finish(self, number: int, made: Made | None) -> None:
        """Make the tile of a knot, and see whether its parent's turn has come."""
        knot = self.knots[number]
        if made is not None:
            self.schema = same_schema(self.schema, made.schema)
            stored = made.stored
            if stored is not None:
                self.tiles += 1
                self.bytes += stored.size
                knot.massing = stored.massing
                made = replace(made, keys=None, schema=None, stored=replace(stored, massing=None))
            knot.made = made
        below = (self.knots[child].tile for child in knot.children)
        knot.tile = tile_of(knot, tuple(tile for tile in below if tile is not None))
        if knot.above is None:
            return
        above = self.knots[knot.above]
        above.waiting -= 1
        if not above.waiting:
            self._above(knot.above)

    def _above(self, number: int) -> None:
        """All children of the knot have their tiles: make what shows them from afar."""
        knot = self.knots[number]
        children = [self.knots[child] for child in knot.children]
        shown = [c for c in children if c.made is not None and c.made.far is not None]
        if not shown:
            self._finish(number, None)
            return
        digests = [child.digest for child in shown]
        if self._memory is not None and None not in digests:
            knot.digest = _digest(self._memory.signature, b"massing", *(d or b"" for d in digests))
            made = self._known([knot.digest]).get(knot.digest)
            if made is not None:
                for child in shown:
                    child.massing = None
                self._finish(number, made)
                return
        self._runner.tasks.appendleft(MassingTask(number, self._parts(shown)))

    def _parts(self, shown: Sequence[Knot]) -> list[Massing]:
        """The massing of ``shown``, which keep none of it themselves."""
        missing = [child.digest or b"" for child in shown if child.massing is None]
        known = self._memory.massing(missing) if missing and self._memory is not None else {}
        parts = []
        for child in shown:
            parts.append(child.massing or known[child.digest or b""])
            child.massing = None
        return parts


def _made(
    digest: bytes | None,
    keys: I64 | None,
    stored: Stored | None,
    refused: Sequence[RefusedFeature],
    schema: JsonObject | None,
) -> Made:
    massing = None if stored is None else stored.massing
    far = None if massing is None else float(massing.error.max())
    return Made(digest or b"", keys, stored, refused, far, schema)


def _digest(*parts: bytes) -> bytes:
    out = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        out.update(len(part).to_bytes(8, "little"))
        out.update(part)
    return out.digest()
