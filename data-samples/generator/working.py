"""Offices, shops, schools, industry; and the table of all uses of blocks."""

from __future__ import annotations

from collections.abc import Callable

from . import shapes as sh
from .housing import low_slabs, mid_slabs, small, spread, terraces, towers, village
from .plots import Plot


def offices(plot: Plot) -> None:
    """A podium with one or two towers as parts, or free office slabs on larger blocks."""
    rng = plot.rng
    plot.year = rng.randint(2012, 2023)
    wide = plot.width > 150
    for x in spread(plot.width - 20.0, 82.0 if wide else min(92.0, plot.width - 20.0), 16.0, 2):
        for y in spread(plot.depth - 20.0, 76.0 if wide else min(86.0, plot.depth - 20.0), 16.0, 2):
            pw = (82.0 if wide else min(92.0, plot.width - 20.0)) - rng.uniform(0, 12)
            pd = (76.0 if wide else min(86.0, plot.depth - 20.0)) - rng.uniform(0, 12)
            _office(plot, x, y, pw, pd)
    small(plot, 1)


def _office(plot: Plot, x: float, y: float, width: float, depth: float) -> None:
    rng = plot.rng
    podium = rng.choice(
        [sh.rect(width, depth), sh.rounded(width, depth, 9.0), sh.chamfered(width, depth, 7.0)]
    )
    floors = rng.choice([2, 3, 4])
    low = sh.storeys_height(floors, 4.5, 5.4, 0.0)
    count = 2 if width > 70 and rng.random() < 0.4 else 1
    parts = [(podium, "裙房", floors, low, 0.0)]
    total = top = 0
    for k in range(count):
        size = rng.uniform(24.0, 27.0) if count == 2 else rng.uniform(28.0, 38.0)
        up = rng.randint(9, 20) if count == 2 else rng.randint(14, 34)
        form = rng.choice(
            [
                sh.rect(size, size),
                sh.rounded(size, size, 7.0),
                sh.chamfered(size, size, 5.0),
                sh.ellipse(size, size * 0.9),
            ]
        )
        dx = (
            (k - 0.5) * (width - size - 14.0)
            if count == 2
            else rng.uniform(-0.5, 0.5) * (width - size - 14.0)
        )
        dy = rng.uniform(-0.5, 0.5) * (depth - size - 14.0)
        tall = sh.storeys_height(up, 4.2, 4.2, 4.0)
        parts.append((sh.place(form, dx, dy), "塔楼", up, tall, low))
        total, top = max(total, floors + up), max(top, round((low + tall) * 10))
    moved = [(sh.place(p, x, y), *rest) for p, *rest in parts]
    use = "办公" if rng.random() < 0.8 else "酒店"
    plot.add(sh.place(podium, x, y), use, total, top / 10, parts=moved, gap=10.0)


def courts(plot: Plot) -> None:
    """Office courtyards: closed blocks with one or two holes, U and L shapes beside them."""
    rng = plot.rng
    for x in spread(plot.width - 18.0, 66.0, 14.0, 2):
        for y in spread(plot.depth - 18.0, 58.0, 14.0, 3):
            form = rng.choice(
                [
                    sh.court(64, 52, 13),
                    sh.double_court(66, 46, 11),
                    sh.you(60, 50, 14),
                    sh.ell(60, 52, 15),
                    sh.court(58, 56, 15),
                ]
            )
            floors = rng.randint(4, 8)
            plot.add(
                sh.place(form, x, y),
                "办公",
                floors,
                sh.storeys_height(floors, 3.9, 4.5, 1.2),
                gap=8.0,
            )
    small(plot, 2)


def shopping(plot: Plot) -> None:
    """A mall with an atrium, curved shop rows and a cinema."""
    rng = plot.rng
    w, d = min(110.0, plot.width - 22.0), min(70.0, 0.5 * plot.depth)
    mall = sh.rounded(w, d, 14.0) - sh.ellipse(w * 0.4, d * 0.34)
    plot.add(sh.place(mall, 0.0, plot.depth / 2 - d / 2 - 9.0), "商业", 5, 27.0, name="购物中心")
    plot.add(
        sh.place(sh.arc(60.0, 16.0, 80.0), -plot.width * 0.12, -plot.depth / 2 + 26.0),
        "商业",
        3,
        15.3,
    )
    plot.add(
        sh.place(sh.ellipse(34.0, 30.0), plot.width / 2 - 26.0, -plot.depth / 2 + 28.0),
        "文化",
        2,
        16.0,
        name="影剧院",
    )
    for x in spread(plot.width - 20.0, 24.0, 8.0):
        plot.add(sh.place(sh.rect(24.0, 14.0), x, -4.0), "商业", rng.choice([2, 3]), 12.6, gap=6.0)


def school(plot: Plot) -> None:
    """Classroom comb, gymnasium, canteen; the sports field stays free."""
    w = plot.width
    plot.add(
        sh.place(
            sh.comb(
                min(58.0, 0.42 * w),
                min(92.0, plot.depth - 50.0),
                11.0,
                4 if plot.depth > 130 else 3,
            ),
            -w * 0.24,
            12.0,
        ),
        "教育",
        4,
        16.8,
        name="教学楼",
    )
    plot.add(
        sh.place(sh.rect(min(44.0, 0.33 * w), 30.0), w * 0.22, plot.depth / 2 - 26.0),
        "教育",
        2,
        15.0,
        name="体育馆",
    )
    plot.add(
        sh.place(sh.ell(min(40.0, 0.32 * w), 24.0, 13.0), -w * 0.22, -plot.depth / 2 + 22.0),
        "教育",
        2,
        9.6,
        name="食堂",
    )
    plot.add(
        sh.place(sh.rect(min(36.0, 0.3 * w), 14.0), w * 0.22, -plot.depth / 2 + 16.0),
        "教育",
        5,
        18.6,
        name="行政楼",
    )
    small(plot, 2)


def hospital(plot: Plot) -> None:
    """Ward block on a podium, outpatient courtyard."""
    ward = [
        (sh.rect(84.0, 44.0), "门诊裙房", 4, 19.0, 0.0),
        (sh.rect(72.0, 22.0), "病房楼", 11, 43.0, 19.0),
    ]
    plot.add(
        sh.place(ward[0][0], 0, 20),
        "医疗",
        15,
        62.0,
        name="住院楼",
        parts=[(sh.place(p, 0, 20), *r) for p, *r in ward],
    )
    plot.add(
        sh.place(sh.double_court(76.0, 44.0, 12.0), 0, -plot.depth / 2 + 34.0),
        "医疗",
        4,
        18.0,
        name="门急诊楼",
    )
    small(plot, 3)


def industry(plot: Plot) -> None:
    """Halls with office heads."""
    rng = plot.rng
    for y in spread(plot.depth - 16.0, 34.0, 12.0):
        length = rng.uniform(48.0, 84.0)
        for x in spread(plot.width - 16.0, length, 12.0):
            plot.add(
                sh.place(sh.rect(length, rng.uniform(26.0, 34.0)), x, y),
                "工业",
                1,
                rng.choice([8.5, 10.2, 12.0]),
            )
    small(plot, 3)


def exhibition(plot: Plot) -> None:
    """A lens-shaped hall with a ring beside it."""
    plot.add(sh.place(sh.lens(plot.width - 20.0, 56.0), 0, 22.0), "展览", 2, 24.0, name="会展中心")
    plot.add(
        sh.place(sh.ellipse(44, 44) - sh.ellipse(22, 22), 0, -plot.depth / 2 + 34.0),
        "文化",
        3,
        14.4,
        name="城市展示馆",
    )


def park(plot: Plot) -> None:
    """Pavilions."""
    for _ in range(5):
        x, y = plot.rng.uniform(-0.4, 0.4) * plot.width, plot.rng.uniform(-0.4, 0.4) * plot.depth
        plot.add(
            sh.place(sh.rounded(12.0, 9.0, 3.0), x, y, plot.rng.uniform(0, 90)), "公园设施", 1, 4.8
        )


USES: dict[str, Callable[[Plot], None]] = {
    "r": low_slabs,
    "m": mid_slabs,
    "t": towers,
    "w": terraces,
    "v": village,
    "o": offices,
    "q": courts,
    "c": shopping,
    "s": school,
    "h": hospital,
    "i": industry,
    "e": exhibition,
    "p": park,
}
