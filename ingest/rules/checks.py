"""The checks that packs may name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ingest.rules import cells, lines, points
from ingest.rules.hits import Hits

Check = Callable[..., Iterable[Hits]]

CHECKS: Final[dict[str, Check]] = {
    check.__name__: check
    for check in (
        cells.cell_issue,
        cells.end_height,
        cells.material_allowed,
        cells.required,
        cells.small_size,
        lines.absent_points,
        lines.attribute_conflict,
        lines.depth_identity,
        lines.duplicate_lines,
        lines.end_coordinates,
        lines.holes_used,
        lines.lonely_lines,
        lines.missing_flow,
        lines.refused_points,
        lines.reverse_slope,
        lines.same_ends,
        lines.too_deep,
        lines.too_long,
        lines.too_short,
        lines.too_steep,
        points.coincident,
        points.degree,
        points.duplicate_numbers,
        points.isolated_points,
        points.outside_area,
        points.well_above_pipe,
        points.well_bottom_identity,
        points.wells_without_depth,
    )
}

__all__ = ["CHECKS", "Check", "Hits"]
