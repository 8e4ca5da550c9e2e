"""Quantisation (KHR_mesh_quantization) and the codec of EXT_meshopt_compression.

Positions of a tile lie on one grid: ``position = origin + step * q`` with q in 0..65535. The step
is 1 mm up to an extent of 65.5 m, so that neighbouring tiles share their vertices exactly, and
extent / 65535 above. Rounding moves a coordinate by half a step at most: 0.5 mm, or 1 mm at 130 m.
Above 1,048 m half a step would pass 8 mm and :func:`fit_grid` gives None; the encoder then writes
float32 relative to the tile's centre (at most 0.25 mm within 4 km of it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import meshopt
import numpy as np
import numpy.typing as npt

from tiles.content import F32, F64, U32

U16 = npt.NDArray[np.uint16]
I8 = npt.NDArray[np.int8]

GRID_STEPS: Final = 65535
MIN_STEP: Final = 0.001  # m
MAX_STEP: Final = 0.016  # m; half of it is the largest error of a coordinate
#: Header bytes that EXT_meshopt_compression demands: vertex codec 0, index and sequence codec 1.
VERTEX_HEADER: Final = 0xA0
INDEX_HEADER: Final = 0xE1
SEQUENCE_HEADER: Final = 0xD1


@dataclass(frozen=True, slots=True)
class Grid:
    """``position = origin + step * q``; metres, the frame of the positions."""

    origin: tuple[float, float, float]
    step: float


def fit_grid(box: F64) -> Grid | None:
    """The grid for coordinates within ``box`` (6,), or None where its step would be too coarse.

    One step serves all axes, so that the node's scale is uniform and normals stay as they are.
    """
    origin = np.floor(box[:3] / MIN_STEP) * MIN_STEP
    step = max(float((box[3:] - origin).max()) / GRID_STEPS, MIN_STEP)
    if step > MAX_STEP:
        return None
    return Grid((float(origin[0]), float(origin[1]), float(origin[2])), step)


def quantise(positions: F64, grid: Grid) -> U16:
    """Grid coordinates (n, 4) of ``positions`` (n, 3); the fourth column pads to 8 bytes."""
    out = np.zeros((len(positions), 4), dtype="<u2")
    cells = np.rint((positions - np.array(grid.origin)) / grid.step)
    out[:, :3] = np.clip(cells, 0, GRID_STEPS)
    return out


def unit(normals: F32) -> F32:
    """``normals`` (n, 3) at length 1; one without a direction points up."""
    wide = normals.astype(np.float64)
    length = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    flat = ~(length > 1e-12)
    out = wide / np.where(flat, 1.0, length)[:, None]
    out[flat] = (0.0, 0.0, 1.0)
    short: F32 = out.astype(np.float32)
    return short


def quantise_normals(normals: F32) -> I8:
    """Unit normals as normalised bytes (n, 4); the fourth column pads to 4 bytes."""
    out = np.zeros((len(normals), 4), dtype=np.int8)
    out[:, :3] = np.rint(unit(normals) * 127.0)
    return out


def octahedral(normals: F32) -> I8:
    """Unit normals (n, 4) as the OCTAHEDRAL filter reads them, 8 bits a component."""
    four = np.zeros((len(normals), 4), dtype="<f4")
    four[:, :3] = unit(normals)
    # Straight down has four codes by the signs of nothing; one code packs better.
    four[np.abs(four) < 0.5 / 127] = 0.0
    out: I8 = np.ascontiguousarray(meshopt.encode_filter_oct(four, 4, 8)).view(np.int8)
    return out


def reorder(indices: U32, vertices: int) -> tuple[U32, npt.NDArray[np.int64]]:
    """Triangles in the order of the vertex cache, vertices in order of first use.

    Returns the new (m, 3) indices and the old number of each vertex kept; a vertex that no
    triangle uses is dropped. Both codecs need this order to work well.
    """
    fresh, remap, used = meshopt.reorder_mesh(np.ascontiguousarray(indices), True, False)
    kept = np.flatnonzero(remap[:vertices] != np.iinfo(np.uint32).max)
    order = np.empty(used, dtype=np.int64)
    order[remap[kept]] = kept
    return np.asarray(fresh, dtype="<u4").reshape(-1, 3), order


def encode_attributes(rows: npt.NDArray[np.generic]) -> bytes:
    """Vertex rows (n, k), a multiple of 4 bytes each, in vertex codec version 0."""
    return bytes(meshopt.encode_vertex_buffer_level(rows, 2, 0))


def encode_triangles(indices: npt.NDArray[np.generic]) -> bytes:
    """Triangle indices, flat, uint16 or uint32, in index codec version 1."""
    return bytes(meshopt.encode_index_buffer(indices))


def encode_lines(indices: npt.NDArray[np.generic]) -> bytes:
    """Indices of lines, flat, uint16 or uint32, in index sequence codec version 1."""
    return bytes(meshopt.encode_index_sequence(indices))
