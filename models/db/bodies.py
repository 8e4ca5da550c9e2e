"""Bodies of BIM elements for the API: meshes by key, over asyncpg."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.db.errors import translate
from models.db.pool import DRIVER_ERRORS
from models.db.statements import text

Array = npt.NDArray[np.float64]


async def sizes(conn: Any, keys: Sequence[str]) -> dict[str, int]:
    """Triangles of the meshes with these keys. Raises :class:`models.errors.DatabaseError`."""
    return {row[0]: row[1] for row in await _fetch(conn, "bodies_sizes", keys)}


async def read(conn: Any, keys: Sequence[str]) -> dict[str, Array]:
    """Triangles (n, 3, 3), metres of the mesh's own frame, of the meshes with these keys.

    Raises :class:`models.errors.DatabaseError`.
    """
    out = {}
    for key, positions, indices in await _fetch(conn, "bodies_read", keys):
        places = np.frombuffer(positions, "<f8").reshape(-1, 3)
        out[key] = places[np.frombuffer(indices, "<u4").reshape(-1, 3)]
    return out


async def _fetch(conn: Any, query: str, keys: Sequence[str]) -> Sequence[Any]:
    if not keys:
        return ()
    try:
        rows: Sequence[Any] = await conn.fetch(text(query), list(keys))
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return rows
