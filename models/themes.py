"""What deliveries are about. A module of its own, so that naming a theme costs no import."""

from __future__ import annotations

import enum


class Theme(enum.StrEnum):
    """What a delivery is about; also the layer it is tiled into."""

    BUILDINGS = "buildings"
    BIM = "bim"
    PIPES = "pipes"
