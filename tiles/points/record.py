"""Points between reading and tiles: one record each, and what a layer has of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.las import Points
from models.pointcloud import CloudPassport
from tiles.content import F64

Records = npt.NDArray[np.void]

#: ``xyz`` metres in the tileset's ENU frame; ``time`` seconds after the layer's first, NaN where
#: not known; ``rgb`` linear (glTF 2.0, section 3.7.2.1).
RECORD: Final = np.dtype(
    [
        ("xyz", "<f8", 3),
        ("time", "<f8"),
        ("intensity", "<u2"),
        ("classification", "u1"),
        ("returns", "u1"),
        ("rgb", "u1", 3),
        ("pad", "u1"),
    ]
)
#: Seconds over which a 32-bit number is within a millisecond: ten of its 24 bits are a fraction.
SPAN: Final = 2.0**14
#: Linear value of a point without colour in a layer that has some: sRGB 50 % grey.
GREY: Final = 55


@dataclass(frozen=True, slots=True)
class Attributes:
    """Which attributes the points of a layer have; what all points have alike is left out.

    ``classes`` are the ASPRS codes that occur; ``start`` is the GPS time that times count from, and
    ``long`` tells that they go on for more than :data:`SPAN`.
    """

    classes: tuple[int, ...]
    colour: bool
    intensity: bool
    returns: bool
    start: float | None
    long: bool
    adjusted: bool

    @classmethod
    def of(cls, passports: Sequence[CloudPassport]) -> Attributes:
        """The union over a layer's clouds. Times of different kinds cannot be compared and are
        left out."""
        codes = {int(code) for p in passports for code in p.classes}
        timed = [p for p in passports if p.times is not None]
        alike = len({p.adjusted for p in timed}) == 1
        ends = [end for p in timed for end in p.times or ()] if alike else []
        start = float(np.floor(min(ends))) if ends else None
        return cls(
            tuple(sorted(codes)),
            any(p.colour_bits for p in passports),
            any(p.intensity for p in passports),
            any(p.returns > 1 for p in passports),
            start,
            start is not None and max(ends) - start > SPAN,
            alike and timed[0].adjusted,
        )


def records(points: Points, xyz: F64, cloud: CloudPassport, layer: Attributes) -> Records:
    """The records of ``points`` at ``xyz`` (n, 3)."""
    out = np.zeros(len(xyz), RECORD)
    out["xyz"] = xyz
    out["intensity"] = points.intensity
    out["classification"] = points.classification
    out["returns"] = points.returns
    out["time"] = np.nan
    if layer.start is not None and points.time is not None and cloud.times is not None:
        out["time"] = points.time - layer.start
    if points.rgb is not None and cloud.colour_bits:
        out["rgb"] = linear_table(cloud.colour_bits)[points.rgb]
    else:
        out["rgb"] = GREY
    return out


def linear_table(bits: int) -> npt.NDArray[np.uint8]:
    """Linear bytes of all sRGB values of 8 or 16 bits (IEC 61966-2-1), which is what cameras give
    and LAS holds; glTF takes vertex colours as linear. Of 8 bits, only the first 256 are in use."""
    top = 2**bits - 1
    srgb = np.minimum(np.arange(65536) / top, 1.0)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    out: npt.NDArray[np.uint8] = np.rint(linear * 255).astype(np.uint8)
    return out
