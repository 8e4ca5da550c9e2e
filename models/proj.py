"""One way to run a PROJ transformer over arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

Array = npt.NDArray[np.float64]


def run(transformer: Transformer, *columns: Array, inverse: bool = False) -> tuple[Array, ...]:
    """``columns`` (1-D, equal length) transformed; what cannot be transformed becomes inf.

    pyproj takes an array of one for a scalar, which numpy is about to forbid: hence the branch.
    """
    call: Any = transformer.transform
    direction = "INVERSE" if inverse else "FORWARD"
    if columns[0].size == 1:
        point = call(*(column.item() for column in columns), direction=direction)
        return tuple(np.array([value], dtype=np.float64) for value in point)
    return tuple(
        np.asarray(column, dtype=np.float64) for column in call(*columns, direction=direction)
    )
