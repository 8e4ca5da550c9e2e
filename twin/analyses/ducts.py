"""管孔占用 free ducts along a route: the least of the spans counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.analyses import describe
from twin.analyses.answer import Answer, Note
from twin.analyses.describe import metres
from twin.analyses.pipework import Pipework, numbers
from twin.analyses.route import RouteRequest, route


class DuctsRequest(RouteRequest):
    """The route: points it goes through, or segments."""


def ducts(pipework: Pipework, request: DuctsRequest) -> Answer:
    """Free ducts (holes less holes used) of every span, and over the whole route.

    ``free`` is the least over the spans, None where any span is unknown; then ``free_at_most`` is
    the least of the known ones. A span that uses more holes than it has counts as unknown, as the
    survey must be wrong. Definition: domain reference §4, 管孔占用.

    Raises :class:`BadRequestError` where the route cannot be made.
    """
    way = route(pipework, request)
    table = pipework.segments.iloc[way.edges]
    holes, used = numbers(table, "holes"), numbers(table, "holes_used")
    free = np.where((used <= holes) & (used >= 0), holes - used, np.nan)
    length = pipework.network.length[way.edges]
    known = np.isfinite(free)
    least = int(free[known].min()) if known.any() else None
    spans: list[dict[str, Any]] = [
        {
            "length": metres(length[i]),
            "holes": None if np.isnan(holes[i]) else int(holes[i]),
            "holes_used": None if np.isnan(used[i]) else int(used[i]),
            "free": None if np.isnan(free[i]) else int(free[i]),
            "segment": one,
        }
        for i, one in enumerate(describe.brief(pipework, way.edges))
    ]
    result = {
        "length": metres(float(length.sum())),
        "free": least if known.all() else None,
        "free_at_most": least,
        "unknown": int((~known).sum()),
        "tightest": [i for i in range(len(free)) if known[i] and free[i] == least],
        "nodes": describe.nodes(pipework, way.nodes),
        "spans": spans,
    }
    return describe.answer(pipework, result, way.edges, _notes(int((~known).sum())), surfaces=False)


def _notes(unknown: int) -> list[Note]:
    if not unknown:
        return []
    return [
        Note(
            "HOLES-UNKNOWN",
            f"{unknown} 段管孔数不明或已用孔数大于总孔数，全程可用孔数须核查后确定。",
            f"{unknown} spans have unknown holes, or more used than there are: look them up before "
            "relying on the route.",
        )
    ]
