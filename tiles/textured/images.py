"""Delivered images as their materials draw them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.texturedmesh import StoredMesh
from tiles.gltf_material import linear

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

#: Bytes of decoded images that a worker keeps.
_KEPT: Final = 600_000_000


@dataclass(slots=True)
class Images:
    """Decoded images of a mesh; those used last stay in memory."""

    mesh: StoredMesh
    _kept: OrderedDict[int, U8] = field(default_factory=OrderedDict)

    def texels(self, number: int) -> U8:
        """(h, w, 3 or 4) of image ``number``. Raises OSError for one damaged since its check."""
        found = self._kept.pop(number, None)
        if found is None:
            found = _decoded(self.mesh, number)
        self._kept[number] = found
        while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def wrap(self, number: int) -> tuple[str, ...]:
        """What is beyond the edges of image ``number``; see :class:`models.texturedmesh.Look`."""
        return self.mesh.passport.look(number).wrap


def _decoded(mesh: StoredMesh, number: int) -> U8:
    look = mesh.passport.look(number)
    Image.MAX_IMAGE_PIXELS = None  # the check has limited it
    with Image.open(mesh.image(number)) as image:
        own = "A" in image.getbands() or "transparency" in image.info
        clear = look.clear and (own or look.factor[3] < 0.5)
        mode = "RGBA" if clear else "RGB"
        shown = image if image.mode == mode else image.convert(mode)
        factor = look.factor[: len(mode)]
        if any(part != 1 for part in factor):
            shown = shown.point(_products(factor))
        texels: U8 = np.asarray(shown)
    return texels


def _products(factor: tuple[float, ...]) -> list[int]:
    """What each of 256 levels of each band becomes: colours are multiplied as light, not as they
    are stored, alpha as it is."""
    levels = np.arange(256) / 255
    light = linear(levels)[:, None] * np.array(factor[:3])
    bands = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).T
    if len(factor) > 3:
        bands = np.concatenate([bands, [np.minimum(levels * factor[3], 1.0)]])
    return [int(level) for level in np.rint(bands * 255).ravel()]


def period(wrap: str) -> int:
    """After how many images across the picture is the same again, 0 for never."""
    return {"clamp": 0, "mirror": 2}.get(wrap, 1)


def wrapped(at: I64, size: int, wrap: str) -> I64:
    """The texels, 0..``size`` - 1, that are seen at ``at``, of which any may lie outside."""
    if wrap == "clamp":
        return np.clip(at, 0, size - 1)
    inside = at % (period(wrap) * size)
    return np.where(inside < size, inside, 2 * size - 1 - inside)
