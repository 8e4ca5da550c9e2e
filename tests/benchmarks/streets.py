"""A believable network of pipes under streets, of any size, as canonical tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

#: Across a street: class, offset from its middle (m), shape, outer width and height (mm), top depth
#: (m) under streets from west to east and from south to north, which lie apart where they cross.
LINES = (
    ("GD", -9.0, "bank", 600, 450, 0.80, 0.75),
    ("JP", -6.5, "round", 323, 323, 1.10, 1.60),
    ("TR", -4.5, "round", 219, 219, 1.00, 1.40),
    ("WS", -1.5, "round", 720, 720, 3.20, 4.40),
    ("YS", 2.0, "round", 1200, 1200, 2.10, 5.60),
    ("ZS", 4.6, "round", 219, 219, 1.20, 1.70),
    ("DH", 6.5, "bank", 500, 300, 0.70, 0.72),
    ("LD", 8.4, "round", 60, 60, 0.60, 0.65),
)
BLOCK, SPAN = 120.0, 30.0
ORIGIN = np.array([611_000.0, 3_430_000.0])
EMBED = {"GD": "管块", "DH": "管块", "LD": "直埋"}


def streets(count: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """About ``count`` segments and their points: a square grid of streets, eight lines in each.

    Lines sway by some centimetres from point to point, as surveyed ones do; points are half seen,
    half probed.
    """
    random = np.random.default_rng(seed)
    side = max(2, round((count * SPAN / BLOCK / (2 * len(LINES))) ** 0.5))
    steps = int(side * BLOCK / SPAN)
    along = np.arange(steps + 1) * SPAN - BLOCK / 2
    points, segments = [], []
    for turned in (False, True):
        for number, (code, offset, shape, width, height, *tops) in enumerate(LINES):
            street = np.repeat(np.arange(side) * BLOCK + offset, steps + 1)
            place = np.tile(along, side)
            sway = random.normal(0, 0.06, (3, len(street)))
            plan = [place + sway[0], street + sway[1]]
            xy = ORIGIN + np.column_stack(plan[::-1] if turned else plan)
            z = 4.2 - tops[int(turned)] - height / 2000 + sway[2] / 3
            names = np.array([f"{code}{int(turned)}{number}-{n}" for n in range(len(xy))], object)
            first = np.flatnonzero((np.arange(len(xy)) + 1) % (steps + 1))
            probed = np.arange(len(xy)) % 2 == 0
            points.append(
                pd.DataFrame(
                    {
                        "exp_no": names,
                        "class_code": code,
                        "sigma_xy": np.where(probed, 0.08, 0.05),
                        "sigma_z": np.where(probed, 0.1, 0.04),
                        "geom": shapely.points(np.column_stack([xy, np.full(len(xy), 4.2)])),
                    }
                )
            )
            xyz = np.column_stack([xy, z])
            segments.append(
                pd.DataFrame(
                    {
                        "class_code": code,
                        "from_point": names[first],
                        "to_point": names[first + 1],
                        "shape": shape,
                        "width_mm": float(width),
                        "height_mm": float(height),
                        "od_mm": float(width) if shape == "round" else np.nan,
                        "embed": EMBED.get(code, "直埋"),
                        "voltage_kv": 10.0 if code == "GD" else 0.4 if code == "LD" else np.nan,
                        "pressure_level": "中压A" if code == "TR" else None,
                        "material": {"TR": "钢", "JP": "球墨铸铁"}.get(code, "混凝土"),
                        "status": "在用",
                        "geom": shapely.linestrings(np.stack([xyz[first], xyz[first + 1]], axis=1)),
                    }
                )
            )
    return pd.concat(segments, ignore_index=True), pd.concat(points, ignore_index=True)
