"""Bodies of BIM elements as solids of JSON-FG: the stored meshes, each where its element stands.

What is closed is a Polyhedron (with its voids), or a MultiPolyhedron of solids that lie apart; what
is not encloses no room and is a MultiSurface of its faces. A body of too many triangles, or one for
which an answer has no room left, is told as its box. ``representation`` says which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from models.db import bodies
from models.space.shells import faces, solids

Array = npt.NDArray[np.float64]

#: Triangles of one body, and of all bodies of an answer; each is some 150 bytes of JSON.
MOST: Final = 50_000
MOST_TOGETHER: Final = 100_000
#: Decimals of metres that corners are rounded to before they are compared.
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Body:
    """``triangles`` (n, 3, 3) in the storage CRS with 1985 heights; None where the box stands for
    the body: there is none, or its ``count`` of triangles is too large."""

    count: int | None
    triangles: Array | None


async def read(conn: Any, elements: Sequence[tuple[str | None, Sequence[float] | None]]) -> list[
    Body
]:  # fmt: skip
    """The bodies of elements by mesh key and placement (row-major 4x4, mesh to storage CRS), first
    come first served. Raises :class:`models.errors.DatabaseError`."""
    sizes = await bodies.sizes(conn, sorted({k for k, at in elements if k and at is not None}))
    left, given = MOST_TOGETHER, []
    for key, _ in elements:
        count = sizes.get(key or "", 0)
        given.append(0 < count <= min(MOST, left))
        left -= count if given[-1] else 0
    wanted = {k for (k, at), ok in zip(elements, given, strict=True) if ok and k and at is not None}
    meshes = await bodies.read(conn, sorted(wanted))
    return [
        Body(
            sizes.get(key or ""), _placed(meshes[key], at) if ok and key in meshes and at else None
        )
        for (key, at), ok in zip(elements, given, strict=True)
    ]


async def portions(
    conn: Any, elements: Sequence[tuple[str | None, Sequence[float] | None]]
) -> list[slice]:
    """Runs of elements whose bodies :func:`read` has room for at once, in order, all of them.

    Raises :class:`models.errors.DatabaseError`.
    """
    sizes = await bodies.sizes(conn, sorted({k for k, at in elements if k and at is not None}))
    out, start, together = [], 0, 0
    for place, (key, at) in enumerate(elements):
        count = 0 if at is None else sizes.get(key or "", 0)
        if count > MOST:  # it is told as its box
            continue
        if together + count > MOST_TOGETHER:
            out.append(slice(start, place))
            start, together = place, 0
        together += count
    return [*out, slice(start, len(elements))]


def _placed(triangles: Array, placement: Sequence[float]) -> Array:
    at = np.asarray(placement, np.float64).reshape(4, 4)
    placed = triangles @ at[:3, :3].T + at[:3, 3]
    # a mirror turns what is outside in
    return placed[:, ::-1] if np.linalg.det(at[:3, :3]) < 0 else placed


def places(
    found: Sequence[Body], boxes: Sequence[str], tell: Callable[[Array], Array]
) -> list[tuple[str, str]]:
    """``place`` as JSON and further members of every feature, in the order of ``found``; ``boxes``
    stand for those that have no body.

    ``tell`` takes coordinates (n, 3) of the storage CRS into those of the answer, rounded.
    """
    shapes = [_shape(one.triangles) for one in found]
    corners = [np.empty((0, 3))] + [t.reshape(-1, 3) for t, _ in shapes if t is not None]
    told = tell(np.concatenate(corners)).reshape(-1, 3, 3)
    out, start = [], 0
    for body, box, (triangles, parts) in zip(found, boxes, shapes, strict=True):
        if triangles is None:
            many = f',"triangles":{body.count}' if body.count else ""
            out.append((box, f'"representation":"box"{many}'))
            continue
        mine = told[start : start + len(triangles)]
        start += len(triangles)
        kind = "surface" if parts is None else "solid"
        out.append((_json(mine, parts), f'"representation":"{kind}"'))
    return out


def _shape(triangles: Array | None) -> tuple[Array | None, list[list[Any]] | None]:
    """Rounded triangles without those that have no face, and the shells of solids if closed."""
    if triangles is None:
        return None, None
    rounded = triangles.round(_DIGITS)
    rounded = rounded[faces(rounded)]
    if not len(rounded):
        return None, None
    return solids(rounded) or (rounded, None)


def _json(triangles: Array, parts: list[list[Any]] | None) -> str:
    """A Polyhedron, MultiPolyhedron or MultiSurface (OGC 21-045r1 sections 9 and 11) whose polygons
    are triangles. A MultiPolygon may be none: its polygons would share edges, and in CRS84h it
    would have to be the geometry."""
    rings = np.ascontiguousarray(triangles[:, None, [0, 1, 2, 0]])
    geometry: dict[str, Any]
    if parts is None:
        faces_ = [{"type": "Polygon", "coordinates": ring} for ring in rings]
        geometry = {"type": "MultiSurface", "geometries": faces_}
    else:
        each = [[rings[shell] for shell in shells] for shells in parts]
        geometry = (
            {"type": "Polyhedron", "coordinates": each[0]}
            if len(each) == 1
            else {"type": "MultiPolyhedron", "coordinates": each}
        )
    return orjson.dumps(geometry, option=orjson.OPT_SERIALIZE_NUMPY).decode()
