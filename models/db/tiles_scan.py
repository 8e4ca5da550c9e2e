"""What a tiler's index needs to know of a large table: fixed-width facts, without the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from models.db.connection import Connection
from models.db.errors import translated
from models.db.statements import octets, statement

I64 = npt.NDArray[np.int64]
Facts = npt.NDArray[np.void]

_NOW: Final = "{0}.tx_to = 'infinity' AND {0}.valid_from <= now() AND {0}.valid_to > now()"
_BOX: Final = ("west", "south", "low", "east", "north", "high")
#: What :func:`segments` tells: row numbers of the segment and of the points at its ends (0: none),
#: its vertices counted, bytes of texts, its shape as a number of :data:`SHAPES`, sizes in mm, box
#: and four vertices (east, north, height) in metres of the storage CRS.
SEGMENT: Final = (
    *((name, ">i8") for name in ("row", "from", "to")),
    *((name, ">i4") for name in ("count", "octets", "shape")),
    *((f"{name}_mm", ">f8") for name in ("width", "height", "od", "id", "wall")),
    *((name, ">f8") for name in _BOX),
    *((name, "(3,)<f8") for name in ("first", "second", "last_but_one", "last")),
)
SHAPES: Final = ("round", "rect", "egg", "bank")
#: What :func:`points` tells: place and heights in metres of the storage CRS, bytes of texts.
POINT: Final = (
    ("row", ">i8"),
    *((name, ">f8") for name in ("x", "y", "z", "ground_h", "well_depth", "well_bottom_h")),
    ("octets", ">i4"),
)
#: What :func:`elements` tells: box in the storage CRS, vertices and triangles of the mesh, how many
#: elements share it, bytes of texts, and 1 for those of hidden classes, 2 without a mesh.
ELEMENT: Final = (
    ("row", ">i8"),
    *((name, ">f8") for name in _BOX),
    *((name, ">i4") for name in ("vertices", "triangles", "uses", "octets", "fault")),
)
#: Rows of some hundred facts that are fetched at a time: 20,000 features.
_FETCHED: Final = 40


def segments(
    conn: Connection,
    twin: str,
    texts: tuple[str, ...],
    rows: I64 | None = None,
    present: I64 | None = None,
) -> Iterator[Facts]:
    """:data:`SEGMENT` of the twin's segments now, or of ``rows`` by number, some thousand at a
    time; ends are points that are true now, or of those numbered ``present``. Bytes are those of
    the columns ``texts``."""
    query = statement(
        "tiles_scan_segments", chosen=_chosen("s", rows, "rows"),
        present=_chosen("p", present, "present"), octets=octets(texts, "s"),
    )  # fmt: skip
    values = {"twin": twin, "rows": _listed(rows), "present": _listed(present)}
    return _scanned(conn, query, values, SEGMENT)


def points(
    conn: Connection, twin: str, texts: tuple[str, ...], rows: I64 | None = None
) -> Iterator[Facts]:
    """:data:`POINT` of the twin's points now, or of ``rows`` by number; bytes are those of the
    columns ``texts``."""
    chosen = _chosen("p", rows, "rows")
    query = statement("tiles_scan_points", chosen=chosen, octets=octets(texts, "p"))
    return _scanned(conn, query, {"twin": twin, "rows": _listed(rows)}, POINT)


def elements(
    conn: Connection,
    twin: str,
    hidden: Sequence[str],
    texts: tuple[str, ...],
    rows: I64 | None = None,
) -> Iterator[Facts]:
    """:data:`ELEMENT` of the twin's BIM elements now, or of ``rows`` by number; ``hidden`` are the
    IFC classes that are not drawn, bytes those of the columns ``texts``."""
    chosen = _chosen("e", rows, "rows")
    query = statement("tiles_scan_elements", chosen=chosen, octets=octets(texts, "e"))
    values = {"twin": twin, "hidden": list(hidden), "rows": _listed(rows)}
    return _scanned(conn, query, values, ELEMENT)


@translated
def joined_segments(conn: Connection, points: I64) -> I64:
    """Rows of the segments, as they are now, that may end at one of the ``points`` (rows)."""
    query = statement("tiles_joined_segments", now=sql.SQL(_NOW.format("s")))
    found = conn.execute(query, {"points": points.tolist()}).fetchall()
    return np.array([row for (row,) in found], np.int64)


def _chosen(alias: str, rows: I64 | None, name: str) -> sql.SQL:
    return sql.SQL(_NOW.format(alias) if rows is None else f"{alias}.row_id = ANY(%({name})s)")


def _listed(rows: I64 | None) -> list[int] | None:
    return None if rows is None else rows.tolist()


def _scanned(
    conn: Connection, query: sql.Composed, values: dict[str, Any], fields: Sequence[tuple[str, str]]
) -> Iterator[Facts]:
    """The facts of a query. None is ever null, so that each record takes the same bytes: four that
    count its columns, and eight before each for its type and length."""
    kinds = [np.dtype(kind) for _, kind in fields]
    names = [name for name, _ in fields]
    ends = 4 + np.cumsum([8 + kind.itemsize for kind in kinds])
    offsets = [end - kind.itemsize for end, kind in zip(ends.tolist(), kinds, strict=True)]
    wire = np.dtype(
        {"names": names, "formats": kinds, "offsets": offsets, "itemsize": int(ends[-1])}
    )
    native = np.dtype([(n, kind.newbyteorder("=")) for n, kind in zip(names, kinds, strict=True)])
    with conn.cursor("facts", binary=True) as cursor:  # of the server, which keeps the rest
        cursor.execute(statement("tiles_scan", facts=query), values)
        yield np.empty(0, native)  # so that there always are some to put together
        while pieces := cursor.fetchmany(_FETCHED):
            yield np.frombuffer(b"".join(piece for (piece,) in pieces), wire).astype(native)
