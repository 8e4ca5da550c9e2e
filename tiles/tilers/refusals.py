"""Why a feature is in no tile.

Codes that begin with ``SKIP`` are meant (a space is not drawn), those with ``GEO`` are faults of
the data that somebody should mend, and with ``TILE`` those of a run, which the next may not have.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from tiles.mesh.rings import Reason
from tiles.tilers.base import RefusedFeature

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "GEO-EMPTY": (
        "没有几何，无法绘制；请补交几何。",
        "It has no geometry and cannot be drawn; deliver one.",
    ),
    "GEO-TYPE": (
        "几何类型与要素不符（建筑应为面，管段应为线，管点应为点）；请更正。",
        "Its geometry is of the wrong type (expected: buildings polygons, segments lines, points "
        "points); correct it.",
    ),
    "GEO-FINITE": (
        "坐标或高程缺失、不是有限数值或超出存储坐标系范围；请更正坐标。",
        "A coordinate or height is missing, not finite, or outside the storage CRS's area; "
        "correct it.",
    ),
    "GEO-AREA": (
        "底面修复后面积不足 1 平方厘米；请更正轮廓。",
        "After repair its footprint has less than 1 cm² of area; correct its outline.",
    ),
    "GEO-RINGS": (
        "轮廓无法剖分为三角形；请更正自相交或重叠的环。",
        "Its rings cannot be divided into triangles; correct rings that cross or overlap.",
    ),
    "GEO-HEIGHT": (
        "高度应大于 0 且不超过 2000 米，基底高程应在 -1000 至 9000 米之间；请更正。",
        "Expected a height above 0 and at most 2000 m, and a base between -1000 and 9000 m; "
        "correct them.",
    ),
    "GEO-ELEVATION": (
        "构件的高程应在 -1000 至 11000 米之间；请检查源文件中的放置、高程与单位。",
        "Expected the element between -1000 and 11000 m of height; check placement, elevations "
        "and unit in the source.",
    ),
    "GEO-LENGTH": (
        "管段长度不足 1 毫米；请更正起止点。",
        "The segment is shorter than 1 mm; correct its end points.",
    ),
    "GEO-MESH": (
        "构件的三角网为空、损坏或缺失；请检查源文件中的几何表达。",
        "The element's mesh is missing, broken or without area; check its representation in the "
        "source.",
    ),
    "GEO-PLACEMENT": (
        "构件的放置矩阵缺失或不可逆；请检查源文件中的放置与地理参照。",
        "The element's placement is missing or cannot be inverted; check placement and "
        "georeferencing in the source.",
    ),
    "TILE-WORKER": (
        "绘制其所在瓦片的工作进程每次都异常终止，因此该瓦片的要素均未绘制。请查看系统日志"
        "（内存不足或某个几何有误）后重新切片，届时会再次尝试。",
        "Every worker that drew the tile it is in died, so that none of that tile's features is "
        "drawn. Look in the system log (memory is short, or one geometry is at fault) and tile "
        "again, which tries it again.",
    ),
    "SKIP-PARTS": (
        "该建筑由其建筑部件绘制。",
        "The building is drawn by its parts.",
    ),
    "SKIP-CLASS": (
        "该类构件（空间、洞口、注释等）不绘制。",
        "Elements of this class (spaces, openings, annotations) are not drawn.",
    ),
    "SKIP-BODY": (
        "该构件没有实体几何（如楼层、系统），不绘制。",
        "The element has no body (such as a storey or a system) and is not drawn.",
    ),
}

#: What :class:`tiles.mesh.rings.Reason` means to a user.
BY_REASON: Final[dict[Reason, str]] = {
    Reason.EMPTY: "GEO-EMPTY",
    Reason.NOT_POLYGON: "GEO-TYPE",
    Reason.NOT_FINITE: "GEO-FINITE",
    Reason.NO_AREA: "GEO-AREA",
    Reason.NOT_TRIANGULATED: "GEO-RINGS",
}


def refused(ids: Iterable[str], code: str) -> list[RefusedFeature]:
    """A record for each of ``ids``; ``code`` is a key of the texts above."""
    zh, en = _TEXTS[code]
    return [RefusedFeature(i, code, zh, en) for i in ids]


class Verdicts:
    """One verdict a feature: the first reason against it wins."""

    def __init__(self, count: int) -> None:
        self._codes = np.full(count, "", dtype=object)

    def refuse(self, which: npt.NDArray[np.bool_], code: str) -> None:
        """Refuse the features of mask ``which`` (n,) that nothing spoke against before."""
        self._codes[which & (self._codes == "")] = code

    @property
    def sound(self) -> npt.NDArray[np.bool_]:
        """(n,) features that can be drawn."""
        return np.asarray(self._codes == "", dtype=bool)

    def report(self, ids: npt.NDArray[np.object_]) -> list[RefusedFeature]:
        """All refused features in the order of ``ids`` (n,)."""
        out: list[RefusedFeature] = []
        for row in np.flatnonzero(~self.sound):
            out += refused([ids[row]], self._codes[row])
        return out
