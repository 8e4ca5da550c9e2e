"""What a leaf's triangles show of delivered images, cut out and put together in one image.

Triangles that share texture coordinates are a chart; the rectangle around it is cut out of its
image. Where coordinates pass the image's edge, the cut holds what is seen there: the image again,
its mirror image or its edge. Triangles without a texture get a few texels of their material's
colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.texturedmesh import MeshArrays, StoredMesh
from tiles.content import F32, F64, U32
from tiles.textured.images import Images, period, wrapped
from tiles.textured.pack import Sheet, packed

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

#: Texels of a plain colour's square, and of a cut's margin.
_SWATCH, _MARGIN = 4, 1
#: Texels across that one cut may have before it is packed.
_CUT: Final = 2048


@dataclass(frozen=True, slots=True)
class Textured:
    """Triangles of one image: ``source`` (n,) place of each vertex, ``uv`` (n, 2), ``faces``."""

    source: I64
    uv: F32
    faces: U32
    image: Image.Image


def textured(
    mesh: StoredMesh, arrays: MeshArrays, rows: I64, images: Images, side: int
) -> Textured:
    """The triangles ``rows`` of ``arrays`` with one image of at most ``side`` texels across.

    ``source`` numbers ``arrays.positions``. Raises OSError.
    """
    faces, corners = (
        np.asarray(arrays.faces[rows]),
        np.asarray(arrays.corners[rows]).astype(np.int64),
    )
    material = np.asarray(arrays.materials[rows]).astype(np.int64)
    image = np.array([*mesh.passport.textures, -1])[material]
    image[(corners < 0).any(axis=1)] = -1
    cuts: list[Sheet] = []
    cut = np.empty(len(rows), np.int64)  # of each face
    frame: list[tuple[float, float, float, float]] = []  # of each cut: u, v, and spans of both
    bare = image < 0
    for number in np.unique(material[bare]).tolist():
        cut[bare & (material == number)] = len(cuts)
        cuts.append(_swatch(mesh.passport.colours[number]))
        frame.append((0.0, 0.0, 1.0, 1.0))
    uv = np.zeros((len(rows), 3, 2))
    uv[bare] = 0.5
    if not bare.all():
        used = np.flatnonzero(~bare)
        uv[used] = arrays.uv[corners[used]]
        chart = _charts(corners[used], image[used])
        low, high = _around(uv[used], chart)
        of = np.zeros(len(low), np.int64)
        of[chart] = image[used]
        numbers, mine = np.unique(of, return_inverse=True)
        again = np.array([[period(w) for w in images.wrap(n)] for n in numbers.tolist()])[mine]
        # a chart far outside 0..1 shows the same inside
        whole = np.floor(low / np.maximum(again, 1)) * again
        uv[used] -= whole[chart][:, None, :]
        low, high = low - whole, high - whole
        box, kept = _merged(low, high, of, images)
        cut[used] = len(cuts) + kept[chart]
        for number, spot in box:
            sheet, exact = _cut(images.texels(number), images.wrap(number), spot)
            cuts.append(sheet)
            frame.append(exact)
    whole_image, places = packed(cuts, side)
    spot, place = np.array(frame), np.array(places)
    inside = (uv - spot[cut][:, None, :2]) / spot[cut][:, None, 2:]
    inside = inside * place[cut][:, None, 2:] + place[cut][:, None, :2]
    packed_uv = (inside / np.array(whole_image.size)).astype(np.float32)
    return _indexed(faces, packed_uv, whole_image)


def texels_of(mesh: StoredMesh, arrays: MeshArrays, sizes: npt.NDArray[np.int64]) -> F64:
    """(m,) texels that each triangle shows of its image; ``sizes`` (images, 2)."""
    out = np.zeros(len(arrays.faces))
    textures = np.array([*mesh.passport.textures, -1])
    step = 1 << 20
    for start in range(0, len(out), step):
        part = slice(start, start + step)
        corners = np.asarray(arrays.corners[part])
        image = textures[np.asarray(arrays.materials[part])]
        shown = (corners >= 0).all(axis=1) & (image >= 0)
        a, b, c = (arrays.uv[corners[shown, at]].astype(np.float64) for at in range(3))
        cross = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (
            c[:, 0] - a[:, 0]
        )
        found = np.abs(cross) / 2 * sizes[image[shown]].prod(axis=1)
        out[part][shown] = found
    return out


def texel_size(positions: F64, faces: U32, uv: F32, texels: int) -> float:
    """Metres that a texel is wide where the triangles show parts of an image of ``texels``."""
    a, b, c = (positions[faces[:, at]] for at in range(3))
    area = float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())
    p, q, r = (uv[faces[:, at]].astype(np.float64) for at in range(3))
    across = (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])
    shown = float(np.abs(across).sum()) * texels
    return float(np.sqrt(area / shown)) if shown > 1 else 0.0


def _charts(corners: I64, image: I64) -> I64:
    """A number (m,) of each face's chart: faces of one image that share texture coordinates."""
    count = int(corners.max()) + 1
    keys = corners.astype(np.int64) + count * image[:, None]
    _, node = np.unique(keys, return_inverse=True)
    node = node.reshape(keys.shape)
    ends = np.concatenate([node[:, :2], node[:, 1:]])
    size = int(node.max()) + 1
    links = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(size, size))
    _, group = connected_components(links, directed=False)
    _, number = np.unique(group[node[:, 0]], return_inverse=True)
    return np.asarray(number, np.int64)


def _around(uv: F64, chart: I64) -> tuple[F64, F64]:
    """Least and greatest texture coordinates (charts, 2) of each chart."""
    count = int(chart.max()) + 1
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    for corner in range(3):
        np.minimum.at(low, chart, uv[:, corner])
        np.maximum.at(high, chart, uv[:, corner])
    return low, high


def _merged(low: F64, high: F64, image: I64, images: Images) -> tuple[list[tuple[int, F64]], I64]:
    """The rectangles to cut, (image, u0 v0 u1 v1), and which one each chart has.

    Charts of one image share the rectangle around them where their own together are no smaller.
    """
    boxes: list[tuple[int, F64]] = []
    kept = np.empty(len(low), np.int64)
    for number in np.unique(image).tolist():
        mine = np.flatnonzero(image == number)
        size = np.array(images.texels(number).shape[1::-1])
        spans = (high[mine] - low[mine]) * size + 2 * (_MARGIN + 2)
        first, last = low[mine].min(axis=0), high[mine].max(axis=0)
        together = (last - first) * size + 2 * (_MARGIN + 2)
        if spans.prod(axis=1).sum() >= together.prod():
            kept[mine] = len(boxes)
            boxes.append((number, np.concatenate([first, last])))
        else:
            kept[mine] = len(boxes) + np.arange(len(mine))
            boxes += [(number, np.concatenate([low[at], high[at]])) for at in mine.tolist()]
    return boxes, kept


def _cut(
    texels: U8, wrap: tuple[str, ...], box: F64
) -> tuple[Sheet, tuple[float, float, float, float]]:
    """The part of an image around ``box`` (u0, v0, u1, v1), and what of it the part is."""
    high, wide = texels.shape[:2]
    size = np.array([wide, high])
    start = np.floor(box[:2] * size).astype(np.int64) - _MARGIN
    end = np.ceil(box[2:] * size).astype(np.int64) + _MARGIN
    inside = (start >= 0).all() and (end <= size).all()
    every = np.maximum(-(-(end - start) // _CUT), 1)  # a repeated image is cut coarsely
    exact = (*(start / size).tolist(), *((end - start) / size).tolist())
    if inside:
        part = texels[start[1] : end[1], start[0] : end[0]]
        if every.max() > 1:
            fewer = -(-(end - start) // every)
            part = np.asarray(Image.fromarray(part).resize(fewer.tolist(), Image.Resampling.BOX))
        return Sheet(np.ascontiguousarray(part)), exact
    steps = [np.arange(start[at], end[at], every[at]) for at in range(2)]
    if (box[:2] >= 0).all() and (box[2:] <= 1).all():  # only the margin lies outside
        wrap = ("clamp", "clamp")
    columns, rows = wrapped(steps[0], wide, wrap[0]), wrapped(steps[1], high, wrap[1])
    return Sheet(texels[np.ix_(rows, columns)]), exact


def _swatch(colour: tuple[int, int, int]) -> Sheet:
    return Sheet(np.full((_SWATCH, _SWATCH, 3), colour, np.uint8))


def _indexed(faces: npt.NDArray[np.integer], uv: F32, image: Image.Image) -> Textured:
    """Corners as vertices, those of one place and texture coordinate once, in order of use."""
    rows = np.empty((faces.size, 3), np.int64)
    rows[:, 0] = faces.ravel()
    rows[:, 1:] = uv.reshape(-1, 2).view(np.int32)
    found, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return Textured(
        found[:, 0],
        uv.reshape(-1, 2)[first],
        inverse.reshape(-1, 3).astype(np.uint32),
        image,
    )
