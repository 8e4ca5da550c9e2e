"""Reading vector tiles: which datasets there are, and one layer of one tile (MVT 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from models.db.errors import translate
from models.db.mvt_layers import VECTOR_LAYERS, VectorLayer
from models.db.pool import DRIVER_ERRORS, Pool
from models.db.statements import text
from models.mvt.grid import Affine, Box


@dataclass(frozen=True, slots=True)
class Overview:
    """A fresh overview of one table of a dataset in one tile matrix set; see
    :func:`models.db.mvt_tables.vector_tiles`."""

    id: int
    layer: str
    tms: str
    features: int
    first_zoom: int
    raw_zoom: int
    extent: Box | None


@dataclass(frozen=True, slots=True)
class TiledDataset:
    """A dataset with its newest ``revision``; ``passed`` counts the dates of its revisions that
    have come, so that both together change whenever what is drawn may."""

    id: int
    theme: str
    revision: int
    passed: int
    overviews: tuple[Overview, ...]

    def overview(self, layer: str, tms: str) -> Overview | None:
        """The fresh overview, if there is one."""
        found = (o for o in self.overviews if (o.layer, o.tms) == (layer, tms))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a tile as MVT bytes, none where nothing is drawn, and how many it draws."""

    data: bytes
    number: int


NOTHING: Final = Layer(b"", 0)


@dataclass(frozen=True, slots=True)
class RawPart:
    """Features that are drawn themselves in a tile: those of ``datasets``, by ``affine`` from the
    storage CRS ``srid``, in which ``place`` is the tile with its margin. ``largest`` takes only the
    2,500 largest of them."""

    datasets: Sequence[int]
    affine: Affine
    place: Box
    srid: int
    largest: bool = False


async def tiled_datasets(pool: Pool, twin: str) -> list[TiledDataset]:
    """The datasets of ``twin`` that have a revision. Raises :class:`DatabaseError`."""
    grouped: dict[int, list[Any]] = {}
    for row in await _fetch(pool, text("mvt_state"), twin):
        grouped.setdefault(row["dataset"], []).append(row)
    return [
        TiledDataset(
            dataset,
            rows[0]["theme"],
            rows[0]["revision"],
            rows[0]["passed"],
            tuple(_overview(row) for row in rows if row["overview"] is not None),
        )
        for dataset, rows in grouped.items()
    ]


async def extent(pool: Pool, table: str, datasets: Sequence[int]) -> tuple[int, Box | None]:
    """Number of features and their box in the storage CRS. Reads them all. Raises
    :class:`DatabaseError`."""
    query = text("mvt_extent").replace("{table}", table)
    (row,) = await _fetch(pool, query, list(datasets))
    return row[0], None if row[1] is None else (row[1], row[2], row[3], row[4])


async def layer_of_tile(
    pool: Pool,
    layer: VectorLayer,
    name: str,
    tile: tuple[int, int, int],
    *,
    overviews: Sequence[int] = (),
    raw: RawPart | None = None,
    most: int | None = None,
) -> Layer:
    """One layer of the tile (level, row, column).

    What stands for features comes from ``overviews``, the features themselves as ``raw`` says; of
    all only the ``most`` largest, where that is given. Raises :class:`DatabaseError`.
    """
    if not overviews and raw is None:
        return NOTHING
    values: list[Any] = [name, list(overviews), *tile]
    if raw is not None:
        m = raw.affine
        values += [list(raw.datasets), m.a, m.b, m.d, m.e, m.dx, m.dy, *raw.place, raw.srid]
    if most is not None:
        values.append(most)
    largest = raw is not None and raw.largest
    query = tile_query(layer.table, raw is not None, largest, most is not None)
    (row,) = await _fetch(pool, query, *values)
    return Layer(bytes(row[0] or b""), row[1])


@cache
def tile_query(table: str, raw: bool, largest: bool, limited: bool = False) -> str:
    """The statement of :func:`layer_of_tile`: $1 name, then the values of ``mvt_drawn.sql``, with
    ``raw`` of ``mvt_raw.sql``, and if it is ``limited`` the most that is drawn; ``largest`` as in
    :class:`RawPart`."""
    layer = VECTOR_LAYERS[table]
    parts = [text("mvt_drawn").replace("{drawn}", layer.drawn_columns().as_string())]
    if raw:
        own = text("mvt_raw").replace("{raw}", layer.raw_columns().as_string())
        own = own.replace("{shape}", layer.shape).replace("{table}", table)
        parts.append(f"({own}\n{text('mvt_largest')})" if largest else own)
    limit = text("mvt_limit").replace("{most}", "$18" if raw else "$6") if limited else ""
    union = "\nUNION ALL\n".join(parts)
    return text("mvt_tile").replace("{limit}", limit).replace("{parts}", union)


def _overview(row: Any) -> Overview:
    west_to_north = row["extent"]
    return Overview(
        row["overview"],
        row["layer"],
        row["tms"],
        row["features"],
        row["first_zoom"],
        row["raw_zoom"],
        None if west_to_north is None else tuple(west_to_north),
    )


async def _fetch(pool: Pool, query: str, *values: Any) -> list[Any]:
    try:
        rows: list[Any] = await pool.fetch(query, *values)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    return rows
