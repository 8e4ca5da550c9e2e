"""The station of the hub, with what stands beside it."""

from __future__ import annotations

from random import Random

import shapely
from shapely import Polygon

from . import shapes as sh
from .layout import Block, Site
from .plots import Building, Plot


def station(site: Site, wet: shapely.Geometry) -> list[Building]:
    """The station: a winged hall over the tracks with side halls and canopies as parts, a hotel
    and an office tower beside it."""
    outline = Polygon(site.to_en([(-252, -105), (252, -105), (252, 105), (-252, 105)]))
    plot = Plot(
        site,
        Block("Z01", "S", (-252, 252), (-105, 105), outline, "站前广场"),
        Random(site.seed),
        wet,
    )
    plot.year = 2024
    hall = sh.rounded(150.0, 176.0, 22.0)
    west, east = (sh.place(sh.rect(26.0, 120.0), side * 88.0, 0) for side in (-1, 1))
    canopies = [sh.place(sh.rect(60.0, 84.0), side * 131.0, 0) for side in (-1, 1)]
    whole = shapely.union_all([hall, west, east, *canopies])
    parts = [
        (hall, "主站房", 3, 31.5, 0.0),
        (west - hall, "西侧厅", 2, 17.0, 0.0),
        (east - hall, "东侧厅", 2, 17.0, 0.0),
        (canopies[0] - west, "西雨棚", 1, 2.4, 11.6),
        (canopies[1] - east, "东雨棚", 1, 2.4, 11.6),
    ]
    plot.add(whole, "交通枢纽", 3, 31.5, name="松江枢纽站房", parts=parts)
    for side, floors, title in ((-1, 22, "枢纽酒店"), (1, 28, "枢纽商务楼")):
        base = sh.place(sh.rounded(62.0, 34.0, 6.0), side * 200.0, 75.0)
        tower = sh.place(sh.chamfered(34.0, 28.0, 4.0), side * 204.0, 75.0)
        tall = sh.storeys_height(floors, 3.9, 4.2, 4.0)
        plot.add(
            base,
            "酒店" if side < 0 else "办公",
            floors + 3,
            round(15.6 + tall, 1),
            name=title,
            parts=[(base, "裙房", 3, 15.6, 0.0), (tower, "塔楼", floors, tall, 15.6)],
        )
        plot.add(
            sh.place(sh.rect(44.0, 30.0), side * 200.0, -75.0),
            "交通设施",
            4,
            16.0,
            name="长途客运站" if side < 0 else "停车楼",
        )
    return plot.found
