"""What a survey is checked by and against, beside its own rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import shapely

    from ingest.rules.resurvey import Resurvey
    from ingest.rules.rule import RulePack
    from ingest.rules.waiver_files import Waiver
    from models.elevation import Terrain
    from models.features import Delivery


@dataclass(frozen=True, slots=True)
class CheckContext:
    """``packs`` are the rules (all shipped packs where ``None``); ``waivers`` what was accepted.
    ``terrain`` gives ground heights, ``area`` is the polygon of the submission (storage CRS);
    ``design`` is the approved design, as read or prepared; ``resurveys`` are points that were
    measured a second time or dug up."""

    packs: tuple[RulePack, ...] | None = None
    waivers: tuple[Waiver, ...] = ()
    terrain: Terrain | None = None
    area: shapely.Polygon | shapely.MultiPolygon | None = None
    design: Delivery | None = None
    resurveys: tuple[Resurvey, ...] = ()


NOTHING: Final = CheckContext()
