"""Features over all tiles: drawn twice at once, or gone when a client refines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from tiles.check.report import Collector
from tiles.check.tables import U64, hashes

#: Findings after which not all that there is was seen.
_UNREAD: Final = frozenset({"TSC-01", "TSC-03", "TSC-04", "TSC-05", "TSC-06", "TSC-08", "TSC-61"})


class Ledger:
    """Hashes of ids by tile: 12 bytes a feature and tile."""

    def __init__(self) -> None:
        self._wheres: list[str] = []
        self._kept: list[U64] = []
        self._owners: list[int] = []
        self._replaced: list[U64] = []
        self.rows = 0
        self.classes: Counter[str] = Counter()

    def add(self, where: str, keys: U64, *, kept: bool) -> None:
        """Note a content's features; ``kept`` tells that they stay drawn at full detail."""
        if kept:
            self._owners.append(len(self._wheres))
            self._wheres.append(where)
            self._kept.append(np.unique(keys))
        else:
            self._replaced.append(np.unique(keys))

    def compare(self, statistics: Any, root: str, findings: Collector) -> None:
        """Compare rows by class with the ``statistics`` of a tileset that was read whole
        (3D Tiles 1.1, "Metadata statistics")."""
        if not _UNREAD.isdisjoint(findings.totals):
            return
        stated = statistics.get("classes") if isinstance(statistics, dict) else None
        for name, entry in stated.items() if isinstance(stated, dict) else ():
            count = entry.get("count") if isinstance(entry, dict) else None
            if name in self.classes and isinstance(count, int) and count != self.classes[name]:
                findings.add("TSC-48", root, f"{self.classes[name]} ({name})", count)

    def conclude(self, root: str, expected: Iterable[str] | None, findings: Collector) -> int:
        """Compare everything noted; gives the number of distinct features."""
        empty = np.empty(0, np.uint64)
        kept = np.concatenate([empty, *self._kept])
        owners = np.repeat(np.array(self._owners, np.uint32), [len(keys) for keys in self._kept])
        order = np.argsort(kept, kind="stable")
        kept, owners = kept[order], owners[order]
        again = np.flatnonzero(kept[1:] == kept[:-1])
        if len(again):
            one, other = (self._wheres[owners[again[0] + i]] for i in (0, 1))
            found = f"{len(again)} ({one}; {other})"
            findings.add("TSC-41", root, found, "in one tile at full detail")
        distinct = np.unique(kept)
        lost = np.setdiff1d(np.concatenate([empty, *self._replaced]), distinct)
        if len(lost):
            found = f"{len(lost)} that coarse tiles show and fine ones do not"
            findings.add("TSC-45", root, found, "every feature at full detail")
        if expected is not None:
            asked = list(expected)
            keys = hashes(asked) if asked else empty
            missing = np.flatnonzero(~np.isin(keys, distinct)).tolist()
            if len(missing):
                named = ", ".join(asked[at] for at in missing[:3])
                findings.add("TSC-45", root, f"{len(missing)} ({named})", f"{len(asked)} features")
        return len(distinct) + len(lost) + self.rows
