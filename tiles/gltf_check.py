"""What :func:`tiles.gltf.encode` demands of its input: clear words instead of a broken file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiles.content import Content, Instances, Primitive
from tiles.errors import ContentError

#: Feature ids travel as float32 above 65,535, which is exact up to here.
MAX_FEATURES = 1 << 24


def check(content: Content) -> None:
    """Raise :class:`tiles.errors.ContentError` if arrays do not fit together or are not finite."""
    named = content.generalised or not content.columns or content.columns[0].id == "id"
    if not named or (content.columns and not content.count):
        raise _bad("property table", "no rows or no column 'id'", "first column 'id', 1+ rows")
    if content.count > MAX_FEATURES:
        raise _bad("property table", f"{content.count} rows", f"at most {MAX_FEATURES} rows")
    ids = [column.id for column in content.columns]
    if len(set(ids)) != len(ids):
        raise _bad("property table", f"columns {ids}", "every column once")
    known = content.count or 1
    seen: set[int] = set()  # vertices that primitives share are looked at once
    for at, primitive in enumerate(content.primitives):
        where = f"primitive {at} ({primitive.material.name})"
        _check_triangles(primitive, where)
        if not (primitive.ordered and id(primitive.positions) in seen):
            seen.add(id(primitive.positions))
            _check_vertices(primitive, where)
            _check_ids(primitive.feature_ids, len(primitive.positions), known, where)
    for at, group in enumerate(content.instances):
        where = f"instances {at}"
        _check_instances(group, where)
        _check_ids(group.feature_ids, len(group.translations), known, where)
    if not content.primitives and not content.instances:
        raise _bad("content", "no primitive and no instance", "at least one")


def _check_vertices(primitive: Primitive, where: str) -> None:
    count = len(primitive.positions)
    _check_rows(primitive.positions, count, 3, f"{where}, positions")
    if primitive.normals is not None:
        _check_rows(primitive.normals, count, 3, f"{where}, normals")
    elif not primitive.lines:
        raise _bad(f"{where}, normals", "none", "a normal a vertex")
    if primitive.colours is not None:
        _check_rows(primitive.colours, count, 4, f"{where}, vertex colours")


def _check_triangles(primitive: Primitive, where: str) -> None:
    count = len(primitive.positions)
    shape = primitive.indices.shape
    if len(shape) != 2 or shape[1] not in (2, 3) or not shape[0]:
        raise _bad(f"{where}, indices", f"shape {shape}", "(m, 3) or (m, 2) with m > 0")
    if int(primitive.indices.min()) < 0 or int(primitive.indices.max()) >= count:
        found = f"{primitive.indices.min()}..{primitive.indices.max()}"
        raise _bad(f"{where}, indices", found, f"0..{count - 1}")
    if len(primitive.material.rgba) != 4 or not all(0 <= v <= 1 for v in primitive.material.rgba):
        raise _bad(f"{where}, colour", str(primitive.material.rgba), "four numbers in 0..1")


def _check_instances(group: Instances, where: str) -> None:
    count = len(group.translations)
    if not count or not group.primitives:
        raise _bad(where, f"{count} places, {len(group.primitives)} primitives", "at least one")
    _check_rows(group.translations, count, 3, f"{where}, translations")
    _check_rows(group.rotations, count, 4, f"{where}, rotations")
    _check_rows(group.scales, count, 3, f"{where}, scales")
    if float(np.abs(np.linalg.norm(group.rotations, axis=1) - 1).max()) > 1e-3:
        raise _bad(f"{where}, rotations", "a quaternion of another length", "length 1")
    if float(group.scales.min()) <= 0:
        raise _bad(f"{where}, scales", str(group.scales.min()), "above 0")
    for at, shape in enumerate(group.primitives):
        _check_vertices(shape, f"{where}, primitive {at}")
        _check_triangles(shape, f"{where}, primitive {at}")


def _check_rows(array: npt.NDArray[np.generic], rows: int, width: int, where: str) -> None:
    if array.shape != (rows, width):
        raise _bad(where, f"shape {array.shape}", f"({rows}, {width})")
    if not np.isfinite(array.astype(np.float64, copy=False)).all():
        raise _bad(where, "NaN or infinity", "finite numbers")


def _check_ids(ids: npt.NDArray[np.uint32], rows: int, features: int, where: str) -> None:
    if ids.shape != (rows,):
        raise _bad(f"{where}, feature ids", f"shape {ids.shape}", f"({rows},)")
    if int(ids.min()) < 0 or int(ids.max()) >= features:
        raise _bad(f"{where}, feature ids", f"{ids.min()}..{ids.max()}", f"0..{features - 1}")


def _bad(where: str, found: str, expected: str) -> ContentError:
    return ContentError(
        f"Tile content, {where}: found {found}, expected {expected}. Correct the tiler.",
        f"瓦片内容 {where}：得到 {found}，应为 {expected}。请修正切片器。",
    )
