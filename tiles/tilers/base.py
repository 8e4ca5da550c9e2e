"""The contract of a tiler: what one layer hands to :func:`tiles.build.build_layer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tiles.content import F64, Content

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeatureIndex:
    """What the tree needs to know of the n features that a tiler can draw.

    ``ids`` (n,) stable feature ids as text; ``boxes`` (n, 6) float64 as minimum x, y, z then
    maximum x, y, z in the layer's ENU frame (metres); ``bytes`` (n,) and ``triangles`` (n,) int64
    are estimates for the split, measured on the triangles that the feature will have (an instanced
    mesh counts its transformation only). Row i here is row i of :meth:`Tiler.content`.
    """

    ids: Sequence[str]
    boxes: F64
    bytes: I64
    triangles: I64


@dataclass(frozen=True, slots=True)
class RefusedFeature:
    """A feature that is not in any tile, with the reason in both languages."""

    id: str
    code: str
    zh: str
    en: str


class Tiler(Protocol):
    """Turns the features of one layer into tile contents.

    ``layer`` names the layer in URLs; ``frame`` is the (4, 4) float64 matrix ENU → ECEF
    (:func:`models.crs.enu_frame`) that all boxes, positions and translations are relative to.
    ``refused`` grows while ``index`` and ``content`` run; features in = in tiles + refused.

    ``index`` is called once, before any ``content``. ``content`` gets rows of the index, ascending
    and without duplicates, and must depend on nothing but them: equal rows give equal content, in
    the same order. It may leave out a feature that turns out to be broken, after adding it to
    ``refused``; column ids, types, units and enums are the same in every content of a layer, and
    the first column is ``id`` with the index's ids. It opens no file and reads no settings.
    """

    layer: str
    frame: F64
    refused: list[RefusedFeature]

    def index(self) -> FeatureIndex:
        """Ids, boxes and cost of all features that can be drawn."""
        ...

    def content(self, rows: I64) -> Content:
        """Meshes and properties of the features in ``rows`` (k,)."""
        ...
