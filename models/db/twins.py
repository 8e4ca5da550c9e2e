"""Twin definitions in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from models.db.connection import Connection
from models.db.errors import translated
from models.db.statements import statement


class Definition(Protocol):
    """What the database keeps of a twin: ``extent`` is (west, south, east, north) in degrees,
    ``ground_height`` metres above the 1985 datum."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name_zh(self) -> str: ...  # noqa: D102
    @property
    def name_en(self) -> str: ...  # noqa: D102
    @property
    def lon(self) -> float: ...  # noqa: D102
    @property
    def lat(self) -> float: ...  # noqa: D102
    @property
    def extent(self) -> Sequence[float]: ...  # noqa: D102
    @property
    def ground_height(self) -> float: ...  # noqa: D102


@translated
def sync(conn: Connection, definitions: Iterable[Definition]) -> list[str]:
    """Add new twins and update known ones; ids of those added or changed.

    A twin that is no longer defined stays, with its data.
    """
    touched = []
    query = statement("twins_sync")
    with conn.transaction():
        for d in definitions:
            row = conn.execute(
                query,
                {
                    "id": d.id,
                    "name_zh": d.name_zh,
                    "name_en": d.name_en,
                    "lon": d.lon,
                    "lat": d.lat,
                    "extent": [float(v) for v in d.extent],
                    "ground_height": d.ground_height,
                },
            ).fetchone()
            if row is not None:
                touched.append(d.id)
    return touched


@translated
def known(conn: Connection) -> list[str]:
    """Ids of all twins in the database."""
    return [row[0] for row in conn.execute("SELECT id FROM twin ORDER BY id")]
