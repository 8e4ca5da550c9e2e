"""What stands for many features from afar: simpler geometry that knows how wrong it is.

Each leaf says what its features look like from afar; above it, that of the children is joined and
made simpler until it is small enough for one tile. Features no longer have rows of their own there:
those alike share a *look*, a material with the values that a client styles and filters by, so that
colours and switched-off classes are the same from afar and near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from tiles.content import F32, U32, Column, Content, Material
from tiles.mesh.ragged import I64

#: Characters of the longest text that a far view shows: a class or a storey has fewer, and a text
#: for each of thousands of looks would take more than all that is drawn.
LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Look:
    """How some features look: a material, and one value a column of the legend."""

    material: Material
    values: tuple[str | float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Legend:
    """The looks of a layer that something uses.

    ``columns`` are those of the tile's property table (class ``class_name``), without values.
    """

    looks: tuple[Look, ...]
    class_name: str = ""
    columns: tuple[Column, ...] = ()

    def materials(self) -> tuple[tuple[Material, ...], I64]:
        """The different materials, and which of them each look has (looks,)."""
        found: dict[Material, int] = {}
        number = [found.setdefault(look.material, len(found)) for look in self.looks]
        return tuple(found), np.array(number, np.int64)

    def used(self, look: npt.NDArray[np.integer[Any]]) -> tuple[Legend, U32]:
        """The legend of those that ``look`` (n,) numbers, and their numbers in it.

        Its order depends on the looks alone, not on what else a batch of features held.
        """
        numbers, at = np.unique(look, return_inverse=True)
        kept = [self.looks[number] for number in numbers.tolist()]
        order = sorted(range(len(kept)), key=lambda k: _rank(kept[k]))
        place = np.empty(len(order), np.uint32)
        place[order] = np.arange(len(order))
        return replace(self, looks=tuple(kept[k] for k in order)), place[at]

    def content(self, used: I64) -> Content:
        """A content without geometry whose row i has the values of look ``used[i]``; texts longer
        than :data:`LONGEST` are left to the features themselves."""
        columns = [
            replace(column, values=[_short(self.looks[look].values[at]) for look in used.tolist()])
            for at, column in enumerate(self.columns)
        ]
        return Content(self.class_name, columns, generalised=True)


def _short(value: str | float | None) -> str | float | None:
    return None if isinstance(value, str) and len(value) > LONGEST else value


def _rank(look: Look) -> tuple[Any, ...]:
    return look.material.name, look.material.rgba, [(v is None, str(v)) for v in look.values]


class Massing(Protocol):
    """Geometry in the layer's ENU frame (metres) that stands for features from afar.

    ``error`` (k,) metres: no point of it, and no point of what it stands for, is farther than the
    greatest of these from the other.
    """

    @property
    def error(self) -> F32:
        """See above."""
        ...

    def joined(self, others: Sequence[Self]) -> Self:
        """This and ``others``."""
        ...

    def generalised(self) -> Self:
        """The same in few enough pieces for one tile; itself if it has no more."""
        ...

    def content(self) -> Content:
        """What is drawn; its property table has looks, no features."""
        ...


def united(legends: Sequence[Legend]) -> tuple[Legend, list[I64]]:
    """All looks of ``legends``, each once, and the new number of each look of each legend."""
    looks: dict[Look, int] = {}
    numbers = [
        np.array([looks.setdefault(look, len(looks)) for look in legend.looks], np.int64)
        for legend in legends
    ]
    return replace(legends[0], looks=tuple(looks)), numbers


def joined(parts: Sequence[Massing]) -> Massing:
    """All of ``parts``, of which there is at least one, in their order."""
    return parts[0].joined(parts[1:])


def generalised(massing: Massing) -> Massing:
    """See :meth:`Massing.generalised`."""
    return massing.generalised()


def content(massing: Massing) -> Content:
    """See :meth:`Massing.content`."""
    return massing.content()
