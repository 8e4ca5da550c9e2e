"""The eight pipe classes: where they lie in the cross-section of a street, how deep, of what.

Offsets are metres from the street's axis, positive to the east of a north-south street and to the
north of an east-west street. The order from kerb to axis and from the top down follows
GB 50289-2016 4.1.12 and 4.1.3 as far as a street with two sides allows. Cover and gaps are those of
the project's domain reference with a few centimetres more.
"""

from __future__ import annotations

from dataclasses import dataclass

KERB = 9.0  # m from the axis
ZONE = 20.0  # m from a crossing street's axis: inside it lines keep to the crossing's level
RAMP = 33.0  # m: outside it lines keep to their normal level
SPACING = 45.0  # m, most between two points of a run


@dataclass(frozen=True)
class PipeClass:
    """A class of pipes. Sizes are millimetres: (main street, other street); depths metres."""

    code: str
    minor: str  # code of the sub-class, used where a column names it
    name: str
    offset: float
    cover: float  # normal depth of the top
    gap: float  # least vertical gap to whatever is above, where lines cross
    sizes: tuple[int, int]
    height: int | None  # of a duct bank
    material: str
    embed: str
    gravity: bool = False
    extra: tuple[tuple[str, str], ...] = ()  # constant columns

    def outer(self, size: int) -> tuple[float, float]:
        """Outer width and height in metres of a line of ``size`` mm."""
        if self.height is not None:
            return size / 1000.0, self.height / 1000.0
        grow = {"JS": 1.09, "RL": 1.6, "YS": 1.2, "WS": 1.1}.get(self.code, 1.0)
        return size * grow / 1000.0, size * grow / 1000.0


#: From the top down, the order in which lines lie above each other where streets cross.
CLASSES = (
    PipeClass(
        "LD",
        "LD",
        "路灯",
        -9.8,
        0.50,
        0.0,
        (75, 75),
        None,
        "PVC",
        "管埋",
        extra=(("电压", "0.38"),),
    ),
    PipeClass("TX", "XX", "通信", 15.8, 0.90, 0.27, (400, 400), 250, "PVC", "管块"),
    PipeClass(
        "DL",
        "GD",
        "电力",
        -14.5,
        0.75,
        0.28,
        (600, 600),
        300,
        "混凝土",
        "管块",
        extra=(("电压", "10"),),
    ),
    PipeClass(
        "RQ",
        "TR",
        "燃气",
        13.2,
        1.32,
        0.18,
        (200, 160),
        None,
        "聚乙烯",
        "直埋",
        extra=(("压力", "0.4"),),
    ),
    PipeClass(
        "RL",
        "RS",
        "热力",
        11.2,
        2.06,
        0.52,  # CJJ 63 asks 0.5 m between PE gas and direct-buried heating
        (250, 250),
        None,
        "钢",
        "直埋",
        extra=(("压力", "1.6"),),
    ),
    PipeClass(
        "JS",
        "JP",
        "给水",
        -11.5,
        1.24,
        0.27,
        (300, 200),
        None,
        "球墨铸铁",
        "直埋",
        extra=(("压力", "0.4"),),
    ),
    PipeClass("YS", "YS", "雨水", 3.0, 1.90, 0.42, (600, 600), None, "混凝土", "直埋", True),
    PipeClass("WS", "WS", "污水", -3.0, 2.40, 0.22, (300, 300), None, "聚乙烯", "直埋", True),
)

BY_CODE = {c.code: c for c in CLASSES}
