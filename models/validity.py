"""What is wrong with a polygon, in our words for what GEOS finds (OGC Simple Features 6.1.11)."""

from __future__ import annotations

import re
from typing import Final

import shapely
from shapely.geometry.base import BaseGeometry

#: The reasons of GEOS in English and Chinese.
REASONS: Final = {
    "Self-intersection": ("the ring crosses itself", "环线自相交"),
    "Ring Self-intersection": ("the ring touches itself", "环线自相接"),
    "Hole lies outside shell": ("a hole lies outside the outer ring", "洞在外环之外"),
    "Holes are nested": ("a hole lies inside another", "洞中套洞"),
    "Interior is disconnected": ("holes cut the polygon in pieces", "洞将多边形切断"),
    "Nested shells": ("one polygon lies inside another", "多边形相互嵌套"),
    "Duplicate Rings": ("a ring occurs twice", "环线重复"),
    "Too few points in geometry component": ("a ring has too few points", "环线点数不足"),
    "Ring is not closed": ("a ring is not closed", "环线未闭合"),
}
#: For a reason that is not among them.
UNKNOWN: Final = ("a ring is wrong", "环线有误")
#: ``what``, and where GEOS says so ``x`` and ``y``.
PATTERN: Final = r"^(?P<what>[^\[]*)(?:\[(?P<x>\S+) (?P<y>\S+)\])?$"


def reason(shape: BaseGeometry) -> tuple[str, str]:
    """Why a polygon that is not valid is not, and where (its own coordinates), in English and
    Chinese."""
    found = re.match(PATTERN, shapely.is_valid_reason(shape))
    en, zh = REASONS.get(found["what"], UNKNOWN) if found else UNKNOWN
    if found is None or found["x"] is None:
        return en, zh
    at = f"({float(found['x']):.10g}, {float(found['y']):.10g})"
    return f"{en} at {at}", f"{zh}，位置 {at}"
