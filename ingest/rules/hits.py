"""What a check gives back: row positions and, aligned with them, values for the messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ingest.rules.network import Floats, Rows, TableName
from models.findings import Place

#: What was found in a cell that holds nothing.
EMPTY: Final = "空 empty"


@dataclass(frozen=True, slots=True)
class Hits:
    """``rows`` are positions in ``table``; ``column`` the field that findings point at;
    ``values`` fill the templates, ``found`` among them being shown as the finding's value.
    ``at`` (n, 3), where given, are the places of the findings in the source CRS: east, north,
    height (NaN where not known); else a finding lies at its point or at its line's start.
    Where a row rests on evidence of its own (a cell of a table of limits), ``clause`` and
    ``verified`` among the values are that of its finding instead of the rule's. ``extra`` goes
    with the finding as it is."""

    table: TableName
    rows: Rows
    column: str | None = None
    values: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    at: Floats | None = None
    extra: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def where(self, mask: npt.NDArray[np.bool_]) -> Hits:
        """The hits that ``mask`` (aligned with ``rows``) keeps."""
        if mask.all():
            return self
        values = {name: column[mask] for name, column in self.values.items()}
        at = None if self.at is None else self.at[mask]
        extra = {name: column[mask] for name, column in self.extra.items()}
        return Hits(self.table, self.rows[mask], self.column, values, at, extra)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a check says of something that is no row of the survey: a file, a class, a cell of
    another table. It can refuse nothing."""

    place: Place
    values: Mapping[str, Any] = field(default_factory=dict)
    at: Sequence[float] | None = None


#: A check: a survey and the parameters of a rule in, all that is wrong out. Packs name it by its
#: function's name.
Check = Callable[..., Iterable[Hits | Statement]]


def hits(
    table: TableName, mask: npt.NDArray[np.bool_], column: str | None = None, **values: Any
) -> Hits:
    """Hits where ``mask`` is true, with the values of those rows (full columns are given)."""
    rows = np.flatnonzero(mask)
    return Hits(table, rows, column, {name: np.asarray(v)[rows] for name, v in values.items()})
