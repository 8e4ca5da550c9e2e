"""Keeping names and addresses: of features, renewed with their datasets, and of address tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from models.db.connection import Connection
from models.db.errors import translated
from models.db.read import storage_srid
from models.db.statements import statement
from models.features import Theme
from models.places import Place, index

#: Where names of a theme's features come from.
_QUERIES: Final = {
    Theme.BUILDINGS: ("places_buildings",),
    Theme.PIPES: ("places_roads",),
    Theme.BIM: ("places_models",),
}


@translated
def renew(conn: Connection, twin: str) -> int:
    """Take names and addresses anew from those datasets of ``twin`` that changed; how many datasets
    that were. Each is replaced in one transaction. Raises :class:`DatabaseError`."""
    stale = conn.execute(statement("places_stale"), {"twin": twin}).fetchall()
    for dataset, name, theme, signature in stale:
        found: list[Place] = []
        for query in _QUERIES.get(Theme(theme), ()):
            rows = conn.execute(statement(query), {"dataset": dataset}).fetchall()
            found += [Place(*row) for row in rows]
        _replace(conn, twin, f"dataset/{name}", signature, found, dataset)
    return len(stale)


@translated
def store(conn: Connection, twin: str, name: str, signature: str, found: Sequence[Place]) -> None:
    """Keep an address table ``name`` in place of the one of that name that was there."""
    _replace(conn, twin, f"table/{name}", signature, found, None)


def _replace(
    conn: Connection,
    twin: str,
    source: str,
    signature: str,
    found: Iterable[Place],
    dataset: int | None,
) -> None:
    found = list(found)
    srid = storage_srid(conn)
    xyz = np.array([(p.east, p.north, 0.0) for p in found], np.float64).reshape(-1, 3)
    points: npt.NDArray[np.object_] = np.asarray(shapely.points(xyz), object)
    outlines = shapely.force_3d(np.array([p.outline for p in found], object), 0.0)
    shapes = shapely.set_srid(np.stack([points, outlines], axis=1), srid)
    coded = shapely.to_wkb(shapes, hex=True, include_srid=True)
    with conn.transaction():
        key = f"cim-twin/places/{twin}/{source}"
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        conn.execute("DELETE FROM place_source WHERE twin_id = %s AND name = %s", (twin, source))
        row = conn.execute(
            "INSERT INTO place_source (twin_id, name, dataset_id, signature)"
            " VALUES (%s, %s, %s, %s) RETURNING id",
            (twin, source, dataset, signature),
        ).fetchone()
        assert row is not None
        columns = "source_id, twin_id, kind, name, address, layer, feature_id, search, pinyin"
        columns += ", grams, geom, outline, height, spine, features"
        columns += ", address_pinyin, address_initials"
        with conn.cursor() as cursor, cursor.copy(f"COPY place ({columns}) FROM STDIN") as copy:
            for place, geometry in zip(found, coded, strict=True):
                said = index(place.name, place.address)
                copy.write_row(
                    (
                        row[0], twin, place.kind, place.name, place.address, place.layer,
                        place.feature, said.search, said.pinyin, said.grams, *geometry,
                        place.height, said.spine, place.features,
                        said.address_pinyin, said.address_initials,
                    )
                )  # fmt: skip
