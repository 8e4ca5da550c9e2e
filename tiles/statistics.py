"""Statistics of a layer for its tileset.json: what a client needs for legends and sliders."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from tiles.content import Column, Content
from tiles.scheme import MAX_TRIANGLES

JsonObject: TypeAlias = dict[str, Any]


class Statistics:
    """Grows with each content: features, least and greatest numbers, how often each enum value.

    ``large`` are the triangles of features that have more than a tile should, by id.
    """

    def __init__(self) -> None:
        self.features = 0
        self.large: dict[str, int] = {}
        self._class = ""
        self._ranges: dict[str, tuple[float, float]] = {}
        self._words: dict[str, Counter[str]] = {}

    def add(self, content: Content) -> None:
        """Count the rows of ``content``, which :func:`tiles.gltf.encode` has accepted."""
        self._class = content.class_name
        self.features += content.count
        triangles = _triangles(content)
        if content.count == 1 and triangles > MAX_TRIANGLES:  # the tree lets none have company
            self.large[str(content.columns[0].values[0])] = triangles
        for column in content.columns:
            if column.type == "ENUM":
                self._count(column)
            elif column.type != "STRING":
                self._measure(column)

    def merge(self, other: Statistics) -> None:
        """Count what ``other`` has counted too."""
        self._class = other._class or self._class
        self.features += other.features
        self.large |= other.large
        for key, (low, high) in other._ranges.items():
            self._widen(key, low, high)
        for key, words in other._words.items():
            self._words.setdefault(key, Counter()).update(words)

    def to_plain(self) -> JsonObject:
        """What is counted, for :meth:`from_plain`."""
        return {
            "class": self._class,
            "features": self.features,
            "large": self.large,
            "ranges": {key: list(ends) for key, ends in self._ranges.items()},
            "words": {key: dict(words) for key, words in self._words.items()},
        }

    @classmethod
    def from_plain(cls, plain: JsonObject | None) -> Statistics:
        """The opposite of :meth:`to_plain`; nothing counted for None."""
        out = cls()
        if plain is not None:
            out._class, out.features = plain["class"], plain["features"]
            out.large = dict(plain.get("large", {}))
            out._ranges = {key: (low, high) for key, (low, high) in plain["ranges"].items()}
            out._words = {key: Counter(words) for key, words in plain["words"].items()}
        return out

    def to_json(self) -> JsonObject | None:
        """``statistics`` of 3D Tiles 1.1, None if nothing was counted.

        ``count`` is there for every class: a layer of texts alone can be checked by it.
        ``properties``, where it is given, must not be empty (statistics.class.schema.json).
        """
        if not self._class:
            return None
        properties: JsonObject = {
            key: {"min": _plain(low), "max": _plain(high)}
            for key, (low, high) in self._ranges.items()
        }
        for key, words in self._words.items():
            properties[key] = {"occurrences": dict(sorted(words.items()))}
        entry: JsonObject = {"count": self.features}
        if properties:
            entry["properties"] = dict(sorted(properties.items()))
        return {"classes": {self._class: entry}}

    def _count(self, column: Column) -> None:
        words = Counter(list(column.values))  # counted as they are, which is quicker than as text
        for word, count in words.items():
            if word is not None and word == word:
                self._words.setdefault(column.id, Counter())[str(word)] += count

    def _measure(self, column: Column) -> None:
        numbers = np.asarray(column.values)
        if numbers.dtype.kind not in "iuf":
            listed = pd.Series(list(column.values), dtype=object)
            numbers = pd.to_numeric(listed).to_numpy(np.float64)
        finite = numbers[np.isfinite(numbers)]
        if len(finite):
            self._widen(column.id, float(finite.min()), float(finite.max()))

    def _widen(self, key: str, low: float, high: float) -> None:
        least, greatest = self._ranges.get(key, (np.inf, -np.inf))
        self._ranges[key] = (min(least, low), max(greatest, high))


def _triangles(content: Content) -> int:
    groups = [(content.primitives, 1)]
    groups += [(group.primitives, len(group.translations)) for group in content.instances]
    return sum(len(one.indices) * copies for shapes, copies in groups for one in shapes)


def _plain(value: float) -> float | int:
    return int(value) if value.is_integer() else value
