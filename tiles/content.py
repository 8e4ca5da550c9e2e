"""What a tiler hands to the encoder: meshes, instances and one property table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Material:
    """A glTF metallic-roughness material; ``rgba`` is sRGB 0..1 (the encoder makes it linear).

    ``translucent`` says that vertex colours make it so, whatever the opacity of ``rgba``.
    """

    name: str
    rgba: tuple[float, float, float, float]
    double_sided: bool = False
    metallic: float = 0.0
    roughness: float = 0.9
    translucent: bool = False


@dataclass(frozen=True, slots=True)
class Primitive:
    """Triangles or lines of one material.

    ``positions`` (n, 3) float64 and ``normals`` (n, 3) float32 in the tileset's local ENU frame
    (metres, z up), None for lines; ``indices`` (m, 3), or (m, 2) for lines, which are drawn one
    pixel wide; ``feature_ids`` (n,) row of the property table. ``colours`` (n, 4) sRGB and opacity
    of each vertex, 0..255, multiply the material's. ``ordered`` says that vertices and triangles
    are in an order that codecs like and stay in it; such primitives may share their vertex arrays,
    which are then written once.
    """

    material: Material
    positions: F64
    normals: F32 | None
    indices: U32
    feature_ids: U32
    ordered: bool = False
    colours: U8 | None = None

    @property
    def lines(self) -> bool:
        """Whether this is lines, not triangles."""
        return self.indices.ndim == 2 and self.indices.shape[1] == 2


@dataclass(frozen=True, slots=True)
class Instances:
    """One mesh drawn many times (EXT_mesh_gpu_instancing + EXT_instance_features).

    ``primitives`` hold the mesh around its own origin (their ``feature_ids`` are ignored);
    ``translations`` (k, 3) ENU metres, ``rotations`` (k, 4) quaternions xyzw, ``scales`` (k, 3),
    ``feature_ids`` (k,).
    """

    primitives: Sequence[Primitive]
    translations: F64
    rotations: F32
    scales: F32
    feature_ids: U32


ColumnType = Literal["STRING", "FLOAT64", "FLOAT32", "INT32", "UINT32", "INT16", "UINT8", "ENUM"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the property table; missing is None/NaN and written as noData."""

    id: str
    name_zh: str
    name_en: str
    type: ColumnType
    values: Sequence[object] | npt.NDArray[np.generic]
    unit: str | None = None
    enum: str | None = None  # id of an enum in tiles.metadata


@dataclass(frozen=True, slots=True)
class Content:
    """Everything of one tile. Row i of the table is feature id i; the first column is ``id``.

    Without columns it has no features, and the feature ids of its meshes mean nothing. What is
    ``generalised`` stands for features from afar: its rows are looks that many share, without ids.
    """

    class_name: str
    columns: Sequence[Column]
    primitives: Sequence[Primitive] = ()
    instances: Sequence[Instances] = field(default_factory=tuple)
    generalised: bool = False

    @property
    def count(self) -> int:
        """Number of features (rows of the property table)."""
        return len(self.columns[0].values) if self.columns else 0
