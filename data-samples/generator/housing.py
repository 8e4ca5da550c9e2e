"""Housing: what stands on residential blocks."""

from __future__ import annotations

import math
from collections.abc import Callable

from shapely import Polygon

from . import shapes as sh
from .plots import Plot


def spread(room: float, size: float, gap: float, most: int = 99) -> list[float]:
    """Centres of as many things of ``size`` with at least ``gap`` between as fit in ``room``."""
    count = min(most, int((room + gap) / (size + gap)))
    if count <= 1:
        return [0.0] if size <= room else []
    pitch = (room - size) / (count - 1)
    return [-(room - size) / 2 + k * pitch for k in range(count)]


def small(plot: Plot, count: int) -> None:
    """Substations, gate houses and the like wherever there is room."""
    rng = plot.rng
    kinds = [
        ("配电房", 7.0, 5.0),
        ("门卫", 5.0, 4.0),
        ("垃圾房", 6.0, 4.0),
        ("自行车棚", 18.0, 4.0),
    ]
    for k in range(count):
        title, w, d = kinds[k % len(kinds)]
        for _ in range(6):
            x = rng.uniform(-0.46, 0.46) * plot.width
            y = rng.uniform(-0.46, 0.46) * plot.depth
            if plot.add(sh.place(sh.rect(w, d), x, y), "配套设施", 1, 3.6, name=title, gap=4.0):
                break


def _shops(plot: Plot, side: int) -> float:
    """A street front of two-storey shops on the east (1) or west (-1); returns its depth."""
    rng, depth = plot.rng, 11.0
    y = -plot.depth / 2 + 10.0
    while y < plot.depth / 2 - 30.0:
        length = rng.uniform(20.0, 42.0)
        x = side * (plot.width / 2 - 6.0 - depth / 2)
        floors = rng.choice([1, 2, 2, 3])
        height = sh.storeys_height(floors, 3.9, 4.5, 0.9)
        plot.add(sh.place(sh.rect(depth, length), x, y + length / 2), "商业", floors, height)
        y += length + rng.choice([3.0, 8.0])
    return depth + 9.0


def slabs(plot: Plot, storeys: tuple[int, ...], lengths: tuple[float, float]) -> None:
    """Rows of housing slabs that look south, 1.1 heights apart."""
    rng = plot.rng
    west = _shops(plot, -1) if rng.random() < 0.35 else 0.0
    east = _shops(plot, 1) if rng.random() < 0.3 else 0.0
    width = plot.width - west - east - 14.0
    middle = (west - east) / 2
    depth = rng.choice([11.4, 12.0, 12.6])
    floors = rng.choice(storeys)
    y = -plot.depth / 2 + 9.0 + depth / 2
    while y <= plot.depth / 2 - 7.0 - depth / 2:
        row = max(storeys[0], floors + rng.choice([0, 0, 0, 0, -1, 1])) if floors > 6 else floors
        height = sh.storeys_height(row, 2.9, 2.9, 1.2)
        length = rng.uniform(*lengths)
        shift = rng.uniform(-3.0, 3.0)
        for x in spread(width - 6.0, length, rng.choice([9.0, 11.0, 14.0])):
            if rng.random() < 0.04:
                continue
            shape = sh.place(sh.slab(rng, length, depth), middle + x + shift, y)
            plot.add(shape, "住宅", row, height, gap=6.0)
        y += depth + math.ceil(1.1 * height)
    small(plot, 4)


def low_slabs(plot: Plot) -> None:
    """Six-storey slabs."""
    plot.year = plot.rng.randint(1994, 2010)
    slabs(plot, (5, 6, 6), (44.0, 62.0))


def mid_slabs(plot: Plot) -> None:
    """Eleven-storey slabs."""
    slabs(plot, (9, 11, 11), (34.0, 50.0))


def towers(plot: Plot) -> None:
    """Point towers in staggered rows, shops on the street."""
    rng = plot.rng
    plot.year = rng.randint(2008, 2022)
    east = _shops(plot, rng.choice([-1, 1]))
    size = rng.choice([27.0, 30.0])
    form: Callable[[float], Polygon] = rng.choice([sh.butterfly, sh.cross])
    for k, y in enumerate(spread(plot.depth - 18.0, size, 26.0)):
        for x in spread(plot.width - 2 * east - 4.0, size, 20.0):
            floors = rng.randint(18, 32)
            height = sh.storeys_height(floors, 2.95, 3.6, 4.5)
            shape = sh.place(
                form(size), x + (-4.0 if k % 2 else 4.0), y, rng.choice([0.0, 0.0, 8.0])
            )
            plot.add(shape, "住宅", floors, height, gap=12.0)
    small(plot, 3)


def terraces(plot: Plot) -> None:
    """Terrace houses in short rows."""
    rng = plot.rng
    plot.year = rng.randint(2002, 2014)
    for y in spread(plot.depth - 16.0, 11.0, 11.5):
        length = rng.choice([24.0, 32.0, 40.0])
        for x in spread(plot.width - 18.0, length, 7.0):
            shape = sh.stepped(length, 10.4, 1.2) if rng.random() < 0.5 else sh.rect(length, 10.8)
            plot.add(sh.place(shape, x + rng.uniform(-1, 1), y), "住宅", 3, 10.4, gap=4.0)


def village(plot: Plot) -> None:
    """An old village: small houses in crooked rows, sheds behind them, trees and fields left."""
    rng = plot.rng
    turn = rng.uniform(-7.0, 7.0)
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    phase = rng.uniform(0, 6)
    y = -plot.depth / 2 + 8.0
    row = 0
    while y < plot.depth / 2 - 8.0:
        x = -plot.width / 2 + 6.0 + rng.uniform(0, 5)
        row += 1
        while x < plot.width / 2 - 10.0:
            w, d = rng.uniform(8.0, 12.5), rng.uniform(8.5, 11.5)
            cx, cy = x + w / 2, y + rng.uniform(-1.0, 1.0) + 3.0 * math.sin(x / 40 + phase)
            edge = (cx / plot.width) ** 2 + (cy / plot.depth) ** 2
            x += w + (rng.uniform(1.6, 3.2) if rng.random() < 0.82 else rng.uniform(5.0, 11.0))
            if rng.random() < 0.07 or edge > 0.24 + 0.12 * math.sin(5 * math.atan2(cy, cx) + phase):
                continue
            tx, ty, angle = c * cx - s * cy, s * cx + c * cy, turn + rng.uniform(-3, 3)
            floors = rng.choice([1, 2, 2, 2, 3])
            height = sh.storeys_height(floors, 3.2, 3.3, 1.0)
            shape = sh.ell(w, d, 0.62 * min(w, d)) if rng.random() < 0.16 else sh.rect(w, d)
            year = rng.randint(1978, 2003)
            done = plot.add(sh.place(shape, tx, ty, angle), "住宅", floors, height, year=year)
            if done and rng.random() < 0.22:
                shed = sh.place(
                    sh.rect(rng.uniform(3, 5), 2.6),
                    tx - s * -(d / 2 + 3),
                    ty + c * (d / 2 + 3),
                    angle,
                )
                plot.add(shed, "辅助用房", 1, 2.8, year=year, gap=1.2)
        y += rng.choice([14.0, 15.0, 16.5]) if row % 3 else 19.0
