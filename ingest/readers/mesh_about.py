"""``metadata.xml``, which photogrammetry programs write beside their meshes: the CRS, and the
origin that was taken off the coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse

NAME: Final = "metadata.xml"
#: Folders above the mesh that are looked into: Production/Data/Tile_+000_+000/.
_LEVELS: Final = 3


@dataclass(frozen=True, slots=True)
class About:
    """``crs`` as the file writes it; ``origin`` east, north, height in it."""

    path: Path
    crs: str
    origin: tuple[float, float, float]


def about(mesh: Path) -> About | None:
    """What is written beside ``mesh`` or above it; None where there is nothing of this kind."""
    for folder in list(mesh.resolve().parents)[:_LEVELS]:
        path = folder / NAME
        if not path.is_file() or path.is_symlink():
            continue
        try:
            root = parse(path).getroot()
            if root is None:
                continue
            srs = (root.findtext("SRS") or "").strip()
            east, north, height = map(float, (root.findtext("SRSOrigin") or "0,0,0").split(","))
        except (OSError, ValueError, ParseError, DefusedXmlException):
            continue
        if srs:
            return About(path, srs, (east, north, height))
    return None
