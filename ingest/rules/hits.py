"""What a check gives back: row positions and, aligned with them, values for the messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.rules.network import Rows, TableName


@dataclass(frozen=True, slots=True)
class Hits:
    """``rows`` are positions in ``table``; ``column`` the field that findings point at;
    ``values`` fill the templates, ``found`` among them being shown as the finding's value."""

    table: TableName
    rows: Rows
    column: str | None = None
    values: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


def hits(
    table: TableName, mask: npt.NDArray[np.bool_], column: str | None = None, **values: Any
) -> Hits:
    """Hits where ``mask`` is true, with the values of those rows (full columns are given)."""
    rows = np.flatnonzero(mask)
    return Hits(table, rows, column, {name: np.asarray(v)[rows] for name, v in values.items()})
