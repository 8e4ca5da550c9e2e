"""The checks that packs may name: the ``CHECKS`` of every module listed here, by function name."""

from __future__ import annotations

from typing import Final

from ingest.rules import (
    accuracy,
    batch,
    cells,
    clash,
    clash_clearance,
    cover,
    design,
    gravity,
    gravity_nodes,
    gravity_sizes,
    gravity_slope,
    joints,
    lines,
    point_places,
    point_words,
    points,
    topology,
    topology_ends,
    topology_shape,
    totals,
)
from ingest.rules.hits import Check, Hits

#: Every module has a tuple ``CHECKS`` of its checks; a new module is a new entry here.
_MODULES: Final[tuple[tuple[Check, ...], ...]] = (
    cells.CHECKS,
    batch.CHECKS,
    points.CHECKS,
    point_places.CHECKS,
    point_words.CHECKS,
    lines.CHECKS,
    joints.CHECKS,
    accuracy.CHECKS,
    design.CHECKS,
    totals.CHECKS,
    topology.CHECKS,
    topology_ends.CHECKS,
    topology_shape.CHECKS,
    gravity.CHECKS,
    gravity_nodes.CHECKS,
    gravity_sizes.CHECKS,
    gravity_slope.CHECKS,
    clash.CHECKS,
    clash_clearance.CHECKS,
    cover.CHECKS,
)

CHECKS: Final[dict[str, Check]] = {check.__name__: check for checks in _MODULES for check in checks}

__all__ = ["CHECKS", "Check", "Hits"]
