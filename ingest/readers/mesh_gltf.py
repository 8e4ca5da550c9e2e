"""glTF 2.0 and GLB: the triangles of the default scene with their base colours.

Positions come out as glTF has them: metres, y up (glTF 2.0, 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ingest.readers.mesh_gltf_file import Gltf
from ingest.readers.mesh_gltf_materials import Shown, materials
from ingest.readers.mesh_raw import F32, F64, I64, RawMesh

_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_NO_UV: Final = np.empty((0, 2), np.float32)


@dataclass(slots=True)
class _Part:
    """A primitive in all its places: ``faces`` (m, 3) into ``places``, ``corners`` (m, 3) into
    ``uv`` or -1; ``broken`` triangles named vertices that are not there."""

    places: F64
    faces: I64
    uv: F32
    corners: I64
    material: int
    broken: int


def read_gltf(path: Path) -> RawMesh:
    """The mesh in ``path``. Raises :class:`ingest.readers.mesh_raw.MeshFault`, ValueError,
    KeyError, IndexError, OSError for a damaged file."""
    gltf = Gltf(path)
    shown = materials(gltf)
    parts: list[_Part] = []
    coloured = single = False
    for mesh, matrices in gltf.placed():
        for primitive in mesh["primitives"]:
            if primitive.get("mode", _TRIANGLES) not in (_TRIANGLES, _STRIP, _FAN):
                continue
            coloured |= "COLOR_0" in primitive["attributes"]
            local = gltf.accessor(primitive["attributes"]["POSITION"])
            single |= local.dtype == np.float32
            parts.append(_part(gltf, primitive, local, matrices, shown))
    places = np.cumsum([0, *(len(part.places) for part in parts)])
    uvs = np.cumsum([0, *(len(part.uv) for part in parts)])
    none = np.empty((0, 3), np.int64)
    return RawMesh(
        np.concatenate([np.empty((0, 3)), *(part.places for part in parts)]),
        np.concatenate([none, *(p.faces + at for p, at in zip(parts, places, strict=False))]),
        np.concatenate([_NO_UV, *(part.uv for part in parts)]),
        np.concatenate(
            [none, *(np.where(p.corners < 0, -1, p.corners + at)
                     for p, at in zip(parts, uvs, strict=False))]
        ),
        np.concatenate([none[:, 0], *(np.full(len(p.faces), p.material) for p in parts)]),
        [one.material for one in shown],
        up="y",
        single=single,
        beside=gltf.beside,
        coloured=coloured,
        broken=sum(part.broken for part in parts),
        ignored=gltf.ignored(),
    )  # fmt: skip


def _part(
    gltf: Gltf, primitive: dict[str, Any], local: np.ndarray, matrices: F64, shown: list[Shown]
) -> _Part:
    """The triangles of ``primitive`` at each of ``matrices`` (k, 4, 4)."""
    if "indices" in primitive:
        flat = gltf.accessor(primitive["indices"])[:, 0].astype(np.int64)
    else:
        flat = np.arange(len(local))
    triangles = _triangles(flat, primitive.get("mode", _TRIANGLES))
    good = np.asarray((triangles < len(local)).all(axis=1))
    copies = np.repeat(triangles[good][None], len(matrices), axis=0)
    mirrored = np.linalg.det(matrices[:, :3, :3]) < 0  # which turns the front (glTF 2.0, 3.7.4)
    copies[mirrored] = copies[mirrored][:, :, ::-1]
    places = local.astype(np.float64) @ matrices[:, :3, :3].transpose(0, 2, 1)
    places += matrices[:, None, :3, 3]
    start = len(local) * np.arange(len(matrices))
    number = primitive.get("material", len(shown) - 1)
    named = primitive["attributes"].get(shown[number].attribute)
    uv = _NO_UV if named is None else shown[number].coordinates(gltf.accessor(named))
    corners = copies.reshape(-1, 3)
    known = np.asarray((corners < len(uv)).all(axis=1))
    return _Part(
        places.reshape(-1, 3),
        (copies + start[:, None, None]).reshape(-1, 3),
        uv,
        np.where(known[:, None], corners, -1),
        number,
        int((~good).sum()) * len(matrices),
    )


def _triangles(flat: I64, mode: int) -> I64:
    if mode == _TRIANGLES:
        return flat[: len(flat) // 3 * 3].reshape(-1, 3)
    if len(flat) < 3:
        return np.empty((0, 3), np.int64)
    if mode == _FAN:
        rest = np.column_stack([flat[1:-1], flat[2:]])
        return np.column_stack([np.full(len(rest), flat[0]), rest])
    strip = np.column_stack([flat[:-2], flat[1:-1], flat[2:]])
    strip[1::2] = strip[1::2, [1, 0, 2]]
    return strip
