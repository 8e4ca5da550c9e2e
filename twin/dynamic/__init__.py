"""Tilesets of what was, will be or matches a filter: made when asked for, within limits.

Every moment between two publications shows the same, so both times are pinned to the last boundary
at or before them: what is pinned never changes, and what was made is kept for as long as there is
room. Contents carry the whole question in their address; any process can answer them.
"""

from __future__ import annotations

from twin.dynamic.question import PARAMETERS, TooManyError
from twin.dynamic.service import Bounds, DynamicTiles
from twin.dynamic.working import BusyError

__all__ = ["PARAMETERS", "Bounds", "BusyError", "DynamicTiles", "TooManyError"]
