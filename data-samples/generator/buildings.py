"""All buildings of a site."""

from __future__ import annotations

from random import Random

import numpy as np
import shapely

from .layout import Site, blocks, water
from .plots import Building, Plot
from .station import station
from .terrain import surface
from .working import USES


def all_buildings(site: Site) -> list[Building]:
    """Every building and part of a site, with ground heights, in block order."""
    wet = water(site, 8.0)
    found: list[Building] = []
    for n, block in enumerate(blocks(site)):
        if block.use in USES:
            plot = Plot(site, block, Random(site.seed * 1000 + n), wet)
            USES[block.use](plot)
            found += plot.found
    if any("S" in row for row in site.uses):
        found += station(site, wet)
    centre = np.array([b.shape.centroid.coords[0] for b in found if b.part_of is None])
    heights = np.round(surface(site, centre[:, 0], centre[:, 1]), 2)
    ground = dict(zip((b.key for b in found if b.part_of is None), heights.tolist(), strict=True))
    for building in found:
        building.ground = ground[building.part_of or building.key]
    return found


def overlaps(buildings: list[Building]) -> list[tuple[str, str, float]]:
    """Pairs of buildings (not parts) whose footprints share more than a square centimetre."""
    whole = [b for b in buildings if b.part_of is None]
    shapes = np.array([b.shape for b in whole])
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    keep = left < right
    area = shapely.area(shapely.intersection(shapes[left[keep]], shapes[right[keep]]))
    pairs = zip(left[keep], right[keep], area, strict=True)
    return [(whole[i].key, whole[j].key, float(a)) for i, j, a in pairs if a > 1e-4]
