"""Instances as plain vertices: for boxes, and for clients without EXT_mesh_gpu_instancing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tiles.content import F64, Instances, Primitive


def rotation_matrices(quaternions: F64) -> F64:
    """Rotation matrices (k, 3, 3) of unit quaternions (k, 4), xyzw."""
    x, y, z, w = quaternions.T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return np.moveaxis(np.array(rows), 2, 0)


def transform(points: F64, instances: Instances) -> F64:
    """``points`` (n, 3) of the shared mesh at every place: (k, n, 3), in the ENU frame."""
    turned = rotation_matrices(unit_quaternions(instances))
    scaled = points[None, :, :] * instances.scales[:, None, :].astype(np.float64)
    moved = np.einsum("kij,knj->kni", turned, scaled, optimize=True)
    out: F64 = moved + instances.translations[:, None, :]
    return out


def unit_quaternions(instances: Instances) -> F64:
    """The rotations (k, 4) at length 1 in float64."""
    wide = instances.rotations.astype(np.float64)
    out: F64 = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return out


def expand(instances: Instances) -> list[Primitive]:
    """One plain primitive for each of the mesh's, holding all k copies."""
    count = len(instances.translations)
    turned = rotation_matrices(unit_quaternions(instances))
    out = []
    for shape in instances.primitives:
        vertices = len(shape.positions)
        normals = None
        if shape.normals is not None:
            slopes = shape.normals[None, :, :] / instances.scales[:, None, :]
            moved = np.einsum("kij,knj->kni", turned, slopes, optimize=True)
            normals = moved.reshape(-1, 3).astype(np.float32)
        starts = np.arange(count, dtype=np.uint32)[:, None, None] * np.uint32(vertices)
        out.append(
            replace(
                shape,
                positions=transform(shape.positions, instances).reshape(-1, 3),
                normals=normals,
                colours=None if shape.colours is None else np.tile(shape.colours, (count, 1)),
                indices=(shape.indices.astype(np.uint32)[None] + starts).reshape(-1, 3),
                feature_ids=np.repeat(instances.feature_ids, vertices).astype(np.uint32),
            )
        )
    return out
