"""Features that are more than a tile should hold: drawn nevertheless, and listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tiles.scheme import MAX_TRIANGLES


@dataclass(frozen=True, slots=True)
class LargeFeature:
    """A feature with more ``triangles`` than a tile should have, with what to do about it in both
    languages. No feature is cut, so that its tile has them all."""

    id: str
    code: str
    triangles: int
    zh: str
    en: str


def listed(triangles: Mapping[str, int]) -> tuple[LargeFeature, ...]:
    """The features of which ``triangles`` are known by id, in order of id."""
    return tuple(
        LargeFeature(
            identity,
            "TILE-LARGE",
            count,
            f"已绘制，但该要素有 {count} 个三角形，独占一个瓦片；每个瓦片不宜超过 {MAX_TRIANGLES} "
            "个，且要素不拆分。请在源数据中简化其几何。",
            f"It is drawn, but it has {count} triangles, in a tile of its own; a tile should have "
            f"at most {MAX_TRIANGLES}, and no feature is cut. Simplify its geometry in the source.",
        )
        for identity, count in sorted(triangles.items())
    )
