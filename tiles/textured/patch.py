"""A piece of textured surface while it is tiled: joined with its neighbours and made simpler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from opengl_decimate import DecimateError, SimplifyOptions, simplify
from PIL import Image

from tiles.content import F32, F64, U32
from tiles.textured.pack import Sheet, packed

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

#: Points on each of two surfaces whose distance is measured to tell how wrong the simpler one is.
_SAMPLES: Final = 2000
#: How hard the edge of an open surface is held against its inside.
_EDGE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Patch:
    """m triangles with one image.

    ``positions`` (n, 3) ENU metres, ``uv`` (n, 2) from the image's upper left corner, 0..1,
    ``faces`` (m, 3). ``leaves`` (n, 2) are the first and last leaf of the tree that has a triangle
    at this place; ``error`` metres that no point of it and of the surface it stands for is farther
    apart (measured at samples); ``texel`` metres that a texel is wide; ``blur`` the same where the
    image has fewer texels than those of the leaves, else 0.
    """

    positions: F64
    uv: F32
    faces: U32
    leaves: I32
    image: Image.Image
    error: float = 0.0
    texel: float = 0.0
    blur: float = 0.0

    def save(self, path: Path) -> None:
        """Write it for another process. Raises OSError."""
        with path.open("wb") as stream:
            np.savez(
                stream,
                positions=self.positions,
                uv=self.uv,
                faces=self.faces,
                leaves=self.leaves,
                image=np.asarray(self.image),
                numbers=np.array([self.error, self.texel, self.blur]),
            )

    @staticmethod
    def load(path: Path) -> Patch:
        """What :meth:`save` wrote. Raises OSError."""
        with np.load(path, allow_pickle=False) as kept:
            numbers = (float(v) for v in kept["numbers"])
            return Patch(
                kept["positions"],
                kept["uv"],
                kept["faces"],
                kept["leaves"],
                Image.fromarray(kept["image"]),
                *numbers,
            )


def joined(parts: Sequence[Patch], side: int, texels: int) -> Patch:
    """All of ``parts`` (one or more) with their images in one of at most ``side`` texels across:
    as they are where they have at most so many ``texels`` together, else at half their size."""
    small = sum(part.image.width * part.image.height for part in parts) <= texels
    sheets = [Sheet.whole(part.image) if small else Sheet.halved(part.image) for part in parts]
    image, places = packed(sheets, side)
    shrunk = max(
        part.image.width / wide for part, (_, _, wide, _) in zip(parts, places, strict=True)
    )
    texel = shrunk * max(part.texel for part in parts)
    width, height = image.size
    uvs = []
    for part, (left, top, wide, high) in zip(parts, places, strict=True):
        moved = part.uv.astype(np.float64) * [wide, high] + [left, top]
        uvs.append((moved / [width, height]).astype(np.float32))
    starts = np.cumsum([0, *(len(part.positions) for part in parts)])[:-1]
    return Patch(
        np.concatenate([part.positions for part in parts]),
        np.concatenate(uvs),
        np.concatenate(
            [part.faces + np.uint32(start) for part, start in zip(parts, starts, strict=True)]
        ),
        np.concatenate([part.leaves for part in parts]),
        image,
        max(part.error for part in parts),
        texel,
        texel if shrunk > 1 else max(part.blur for part in parts),
    )


def simplified(patch: Patch, first: int, last: int, target: int) -> Patch:
    """``patch`` with about ``target`` triangles, its image as it is.

    Vertices that triangles of leaves outside ``first`` to ``last`` share stay where they are, so
    that neighbours fit whatever their level. Lines along which the image is cut stay, too, unless
    that leaves more than twice ``target``.
    """
    if len(patch.faces) <= target:
        return patch
    outside = (patch.leaves[:, 0] < first) | (patch.leaves[:, 1] > last)
    out = patch
    for lock_seams in (True, False):
        try:
            found = simplify(
                {"POSITION": patch.positions, "TEXCOORD_0": patch.uv},
                patch.faces.ravel(),
                SimplifyOptions(
                    target_count=target,
                    locked=np.flatnonzero(outside).tolist(),
                    lock_seams=lock_seams,
                    boundary_weight=_EDGE,
                    certify=True,
                    certify_samples=_SAMPLES,
                ),
            )
        except DecimateError:  # nothing of it is a surface that can be made simpler still
            return out
        faces = np.asarray(found.indices, np.uint32).reshape(-1, 3)
        if len(faces) == 0:
            return out
        leaves = np.empty((len(found.attributes["POSITION"]), 2), np.int32)
        leaves[:] = first
        source = np.flatnonzero(outside & (found.vertex_map >= 0))
        leaves[found.vertex_map[source]] = patch.leaves[source]
        positions, uv = found.attributes["POSITION"], found.attributes["TEXCOORD_0"]
        wrong = max(float(found.measured_error or 0.0), float(found.error))
        error = patch.error + wrong
        out = Patch(positions, uv, faces, leaves, patch.image, error, patch.texel, patch.blur)
        if len(faces) <= 2 * target:
            break
    return out
