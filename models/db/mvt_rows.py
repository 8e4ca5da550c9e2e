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

_CHUNK: Final = 50_000
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
    there = placed(level, tms)
    for first in range(0, len(there.item), _CHUNK):
        part = slice(first, first + _CHUNK)
        item = there.item[part]
        yield "".join(
            f"{overview}\t{level.zoom}\t{row}\t{col}\t{b}\t{k}\t{n}\t{m}\t{s}\t{g}\n"
            for (col, row), b, k, n, m, s, g in zip(
                there.tile[part].tolist(),
                blocks[item].tolist(),
                words[item],
                level.count[item].tolist(),
                measures[item],
                sizes[item],
                shapely.to_wkb(there.geometry[part], hex=True),
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
