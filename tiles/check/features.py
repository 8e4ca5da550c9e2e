"""Features over all tiles: drawn twice at once, or gone when a client refines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tiles.check.report import Collector
from tiles.check.tables import U64, hashes

#: Findings after which not all that there is was seen.
_UNREAD: Final = frozenset({"TSC-01", "TSC-03", "TSC-04", "TSC-05", "TSC-06", "TSC-08", "TSC-61"})

#: Kinds of contents whose property tables are read.
_TOLD: Final = frozenset({"glb", "gltf"})


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Features of one content: hashes of their ids, each once. ``tile`` draws them; ``replaces``
    is the tile whose content gives way to them, 0 where none does."""

    where: str
    keys: U64
    kept: bool
    tile: int
    replaces: int


class Ledger:
    """Hashes of ids by tile: 12 bytes a feature and tile. ``classes`` are rows of tables by class,
    ``held`` classes of which there are others than rows: points, or tiles."""

    def __init__(self) -> None:
        self._drawn: list[_Drawn] = []
        self._unnamed: set[int] = set()
        self.rows = 0
        self.classes: Counter[str] = Counter()
        self.held: set[str] = set()

    def add(self, where: str, keys: U64, *, kept: bool, tile: int, replaces: int) -> None:
        """Note a content's features; ``kept`` tells that they stay drawn at full detail."""
        self._drawn.append(_Drawn(where, np.unique(keys), kept, tile, replaces))

    def unnamed(self, replaces: int) -> None:
        """Note that the content of tile ``replaces`` gives way to features without ids too."""
        self._unnamed.add(replaces)

    def compare(
        self, statistics: Any, root: str, findings: Collector, kinds: Collection[str]
    ) -> None:
        """Compare rows by class with the ``statistics`` of a tileset that was read whole
        (3D Tiles 1.1, "Metadata statistics"). A class without rows has none where contents are of
        ``kinds`` that tell."""
        if not _UNREAD.isdisjoint(findings.totals):
            return
        stated = statistics.get("classes") if isinstance(statistics, dict) else None
        for name, entry in stated.items() if isinstance(stated, dict) else ():
            count = entry.get("count") if isinstance(entry, dict) else None
            known = name in self.classes or (_TOLD.issuperset(kinds) and name not in self.held)
            if known and isinstance(count, int) and count != self.classes[name]:
                findings.add("TSC-48", root, f"{self.classes[name]} ({name})", count)

    def conclude(self, root: str, expected: Iterable[str] | None, findings: Collector) -> int:
        """Compare everything noted; gives the number of distinct features."""
        empty = np.empty(0, np.uint64)
        full = [one for one in self._drawn if one.kept]
        kept = np.concatenate([empty, *(one.keys for one in full)])
        owners = np.repeat(np.arange(len(full), dtype=np.uint32), [len(one.keys) for one in full])
        order = np.argsort(kept, kind="stable")
        kept, owners = kept[order], owners[order]
        again = np.flatnonzero(kept[1:] == kept[:-1])
        if len(again):
            one, other = (full[owners[again[0] + i]].where for i in (0, 1))
            found = f"{len(again)} ({one}; {other})"
            findings.add("TSC-41", root, found, "in one tile at full detail")
        distinct = np.unique(kept)
        coarse = [one.keys for one in self._drawn if not one.kept]
        lost = np.setdiff1d(np.concatenate([empty, *coarse]), distinct)
        if len(lost):
            found = f"{len(lost)} that coarse tiles show and fine ones do not"
            findings.add("TSC-45", root, found, "every feature at full detail")
        self._compare_levels(lost, findings)
        if expected is not None:
            asked = list(expected)
            keys = hashes(asked) if asked else empty
            missing = np.flatnonzero(~np.isin(keys, distinct)).tolist()
            if len(missing):
                named = ", ".join(asked[at] for at in missing[:3])
                findings.add("TSC-45", root, f"{len(missing)} ({named})", f"{len(asked)} features")
        return len(distinct) + len(lost) + self.rows

    def _compare_levels(self, lost: U64, findings: Collector) -> None:
        """Compare every content that gives way (REPLACE, 3D Tiles 1.1 section 6.7.2.3) with what
        comes in its place; features in ``lost`` are told already."""
        if not _UNREAD.isdisjoint(findings.totals):
            return
        empty = np.empty(0, np.uint64)
        finer: defaultdict[int, list[U64]] = defaultdict(list)
        for one in self._drawn:
            if one.replaces:
                finer[one.replaces].append(one.keys)
        for one in self._drawn:
            if one.kept or one.tile in self._unnamed:
                continue
            gone = np.setdiff1d(one.keys, np.concatenate([*finer[one.tile], empty]))
            if len(lost):
                gone = gone[lost[np.searchsorted(lost, gone) % len(lost)] != gone]
            if len(gone):
                found = f"{len(gone)} of {len(one.keys)} that vanish when it is refined"
                findings.add("TSC-45", one.where, found, "them in the tiles that replace it")
