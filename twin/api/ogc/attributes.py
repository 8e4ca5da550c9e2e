"""Source attributes and BIM properties as queryables: read from the database when they are named.

Most questions name columns only, and pay nothing for this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from models.cql2 import NotListedError
from models.db import attributes
from models.twins import TwinDefinition
from twin.api.ogc.collections import Collection

T = TypeVar("T")


async def with_attributes(pool: Any, twin: TwinDefinition, collection: Collection) -> Collection:
    """The collection with what was found in the twin's data; ``pool`` is asyncpg's, or one of its
    connections. Raises :class:`models.errors.DatabaseError`."""
    found = await attributes.read(pool, twin.id, collection.table)
    return replace(collection, attributes=tuple(found))


async def naming_attributes(
    pool: Any, twin: TwinDefinition, collection: Collection, read: Callable[[Collection], T]
) -> T:
    """What ``read`` makes of a request, which may name attributes.

    Raises what ``read`` does: :class:`models.cql2.NotListedError` where something is named that is
    no attribute either.
    """
    try:
        return read(collection)
    except NotListedError as error:
        if error.kind != "property":
            raise
    return read(await with_attributes(pool, twin, collection))
