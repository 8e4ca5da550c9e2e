"""Segments and points that a request names, as rows of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from twin.analyses.errors import BadRequestError
from twin.analyses.pipework import Pipework

Rows = npt.NDArray[np.int64]


def segment_rows(pipework: Pipework, names: Sequence[str]) -> Rows:
    """Rows of segments by id, key or pipe number.

    Raises :class:`BadRequestError` for a name that no segment, or more than one, has.
    """
    return _rows(pipework.segment_rows, names, "segment", "管段", pipework.segments["id"].to_list)


def point_rows(pipework: Pipework, names: Sequence[str]) -> Rows:
    """Rows of points by id, key, survey number or map number. Raises as :func:`segment_rows`."""
    return _rows(pipework.point_rows, names, "point", "管点", pipework.points["id"].to_list)


def _rows(
    known: Mapping[str, list[int]], names: Sequence[str], en: str, zh: str, ids: object
) -> Rows:
    out = []
    for name in names:
        found = known.get(name, [])
        if len(found) == 1:
            out.append(found[0])
            continue
        if not found:
            raise BadRequestError(
                f"There is no {en} '{name}' at this moment. Give an id, a key or a survey number.",
                f"当前没有{zh}“{name}”。请给出标识（id）、键（key）或测量点号。",
            )
        every = ids() if callable(ids) else []
        several = ", ".join(str(every[row]) for row in found[:5])
        raise BadRequestError(
            f"{len(found)} {en}s are called '{name}'. Give one of their ids: {several}.",
            f"名为“{name}”的{zh}有 {len(found)} 个，请改用标识之一：{several}。",
        )
    return np.array(out, np.int64)
