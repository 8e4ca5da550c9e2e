"""Small images beside each other in one, on shelves: the same place for the same input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

U8 = npt.NDArray[np.uint8]

#: Texels around each image that repeat its edge, so that filtering does not mix neighbours.
GUTTER: Final = 2
#: An image of a tile has sides of whole blocks of this many texels.
_BLOCK: Final = 4
Place = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Texels (h, w, 3) or (h, w, 4)."""

    texels: U8

    @staticmethod
    def whole(image: Image.Image) -> Sheet:
        """``image`` as it is."""
        return Sheet(np.asarray(image))

    @staticmethod
    def halved(image: Image.Image) -> Sheet:
        """``image`` at half its size, each texel the mean of four."""
        return Sheet(np.asarray(image.reduce(2) if min(image.size) > 1 else image))

    def scaled(self, scale: float) -> Sheet:
        """Smaller by ``scale`` (0..1), a texel at least."""
        high, wide = self.texels.shape[:2]
        size = max(round(wide * scale), 1), max(round(high * scale), 1)
        if size == (wide, high):
            return self
        return Sheet(np.asarray(Image.fromarray(self.texels).resize(size, Image.Resampling.BOX)))


def packed(sheets: Sequence[Sheet], side: int) -> tuple[Image.Image, list[Place]]:
    """One image of at most ``side`` texels across with all of ``sheets``, which are made smaller
    where they do not fit, and the place (left, top, width, height) of each within it."""
    scale = 1.0
    sizes = np.array([sheet.texels.shape[1::-1] for sheet in sheets])
    while True:
        fitted = np.maximum(np.rint(sizes * scale).astype(int), 1)
        corners, width, height = shelves(fitted + 2 * GUTTER, side)
        if max(width, height) <= side:
            break
        scale *= 0.9
    depth = max(sheet.texels.shape[2] for sheet in sheets)
    whole = np.full((height, width, depth), 255, np.uint8)
    mean = np.mean([sheet.texels[:, :, :3].mean(axis=(0, 1)) for sheet in sheets], axis=0)
    whole[:, :, :3] = np.rint(mean)
    places: list[Place] = []
    for sheet, (left, top), (wide, high) in zip(
        sheets, corners.tolist(), fitted.tolist(), strict=True
    ):
        texels = sheet.scaled(scale).texels if scale < 1 else sheet.texels
        edge = ((GUTTER, GUTTER), (GUTTER, GUTTER), (0, 0))
        around = np.pad(texels, edge, mode="edge")
        part = whole[top : top + high + 2 * GUTTER, left : left + wide + 2 * GUTTER]
        part[:, :, : around.shape[2]] = around
        places.append((left + GUTTER, top + GUTTER, wide, high))
    return Image.fromarray(whole), places


def shelves(sizes: npt.NDArray[np.integer], side: int) -> tuple[npt.NDArray[np.int64], int, int]:
    """Upper left corners (n, 2) of rectangles ``sizes`` (n, 2), tallest first on shelves about as
    wide as all are high, and the width and height they take, whole blocks."""
    area = float((sizes[:, 0] * sizes[:, 1]).sum())
    wide = min(max(int(np.sqrt(area) * 1.1), int(sizes[:, 0].max())), max(side, 1))
    corners = np.zeros((len(sizes), 2), np.int64)
    order = np.lexsort((np.arange(len(sizes)), -sizes[:, 0], -sizes[:, 1]))
    left = top = shelf = reach = 0
    for at in order.tolist():
        w, h = int(sizes[at, 0]), int(sizes[at, 1])
        if left and left + w > wide:
            left, top, shelf = 0, top + shelf, 0
        corners[at] = left, top
        left += w
        shelf, reach = max(shelf, h), max(reach, left)
    return corners, _whole(reach), _whole(top + shelf)


def _whole(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK
