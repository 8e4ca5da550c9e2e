"""Writing what stands for features, level by level, into the tiles that it touches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from psycopg.copy import QueuedLibpqWriter

from models.db.connection import Connection
from models.mvt.grid import TileMatrixSet
from models.mvt.placed import placed
from models.mvt.shapes import Array, Drawn, Ints

_COPY: Final = (
    "COPY mvt_drawn (overview_id, zoom, tile_row, tile_col, block, kind, count, measure, size, geom"
    ") FROM STDIN"
)


def write(
    conn: Connection, overview: int, level: Drawn, tms: TileMatrixSet, kinds: list[str | None]
) -> None:
    """Add a level to an overview, in the order of tiles: a tile is read from neighbouring pages.
    ``kinds`` are the words of classes."""
    # the writer is a thread: the database takes rows in while the next ones are made
    with (
        conn.cursor() as cursor,
        cursor.copy(_COPY, writer=QueuedLibpqWriter(cursor)) as copy,
    ):
        for text in _text(overview, level, tms, kinds):
            copy.write(text)


def numbered(block: Ints) -> Ints:
    """One number (n,) for each block (n, 2)."""
    return block[:, 1] << 32 | block[:, 0]


def _text(
    overview: int, level: Drawn, tms: TileMatrixSet, kinds: list[str | None]
) -> Iterator[str]:
    words = np.array([*(_escaped(k) for k in kinds), "\\N"], dtype=object)[level.kind]
    sizes, measures = _numbers(level.size), _numbers(level.measure)
    blocks = numbered(level.block)
    for there in placed(level, tms):
        yield "".join(
            f"{overview}\t{level.zoom}\t{row}\t{col}\t{b}\t{k}\t{n}\t{m}\t{s}\t{g}\n"
            for (col, row), b, k, n, m, s, g in zip(
                there.tile.tolist(),
                blocks[there.item].tolist(),
                words[there.item],
                level.count[there.item].tolist(),
                measures[there.item],
                sizes[there.item],
                shapely.to_wkb(there.geometry, hex=True),
                strict=True,
            )
        )


def _numbers(values: Array) -> npt.NDArray[np.object_]:
    plain = ["\\N" if np.isnan(v) else repr(v) for v in np.round(values, 3).tolist()]
    return np.array(plain, dtype=object)


def _escaped(word: str | None) -> str:
    if word is None:
        return "\\N"
    for plain, coded in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        word = word.replace(plain, coded)
    return word
