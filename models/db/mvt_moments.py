"""Vector tiles of a past or future moment of either time: features themselves, the largest first.

Overviews are of now; what was is drawn from the rows, and only so many of them a tile.
"""

from __future__ import annotations

from typing import Any, Final

from models.db.errors import translate
from models.db.features_cql import Arguments
from models.db.features_query import Selection, among, conditions
from models.db.mvt import Layer
from models.db.mvt_layers import VectorLayer
from models.db.pool import DRIVER_ERRORS, Pool
from models.db.statements import text
from models.mvt.grid import Affine, Box

#: Features of one layer of a tile: below 500 kB, as of those that are drawn now.
MOST: Final = 2_500


async def extent_of(pool: Pool, what: Selection) -> tuple[int, Box | None]:
    """Number of features and their box in the storage CRS. Reads them all. Raises
    :class:`models.errors.DatabaseError`."""
    args = Arguments()
    query = (
        "SELECT f.n, ST_XMin(f.box), ST_YMin(f.box), ST_XMax(f.box), ST_YMax(f.box) FROM ("  # noqa: S608
        f"SELECT count(*) AS n, ST_Extent(t.geom) AS box FROM {what.table} AS t "
        f"WHERE {_where(what, args)} AND t.geom IS NOT NULL) AS f"
    )
    row = await _row(pool, query, args)
    return row[0], None if row[1] is None else (row[1], row[2], row[3], row[4])


async def layer_at(
    pool: Pool, layer: VectorLayer, name: str, what: Selection, affine: Affine, most: int
) -> Layer:
    """One layer of a tile: the ``most`` largest features of ``what``, whose box is the tile with
    its margin in the storage CRS; ``affine`` leads from there to units of the tile.

    Raises :class:`models.errors.DatabaseError`.
    """
    args = Arguments()
    numbers = (affine.a, affine.b, affine.d, affine.e, affine.dx, affine.dy)
    parts = {
        "table": what.table,
        "conditions": _where(what, args),
        "most": args.add(most, "bigint"),
        "raw": layer.raw_columns().as_string(),
        "shape": layer.shape,
        "place": ", ".join(args.add(value, "float8") for value in numbers),
        "name": args.add(name, "text"),
    }
    row = await _row(pool, text("mvt_moment").format(**parts), args)
    return Layer(bytes(row[0] or b""), row[1])


def _where(what: Selection, args: Arguments) -> str:
    return " AND ".join(conditions(what, args, among(what.state.datasets, args)))


async def _row(pool: Pool, query: str, args: Arguments) -> Any:
    try:
        return await pool.fetchrow(query, *args.values)
    except DRIVER_ERRORS as error:
        raise translate(error) from error
