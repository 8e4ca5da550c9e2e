"""Whether a database has this program's schema, told without Alembic.

Nearly every command asks, nearly always the answer is yes, and Alembic takes 0.4 s and 25 MB to
load.
"""

from __future__ import annotations

from importlib.resources import files

from models.db.connection import connect
from models.db.errors import translated
from models.db.provision import readable

#: What the files of migrations begin with, before the revision.
_PREFIX = "r"


def newest() -> str:
    """The newest revision that this program knows, by the names of its migrations."""
    names = (entry.name for entry in (files("models.db") / "migrations" / "versions").iterdir())
    found = [name.removeprefix(_PREFIX).partition("_")[0] for name in names if name[-3:] == ".py"]
    return max((name for name in found if name.isdigit()), default="")


@translated
def current(url: str, storage_srid: int) -> bool:
    """Whether :func:`models.db.migrate.upgrade` would find nothing to do."""
    with connect(url) as conn:
        there = conn.execute(
            "SELECT to_regclass('alembic_version') IS NOT NULL"
            " AND to_regclass('storage') IS NOT NULL"
        ).fetchone()
        if there != (True,):
            return False
        found = conn.execute(
            "SELECT (SELECT version_num FROM alembic_version),"
            " (SELECT value FROM storage WHERE name = 'srid')"
        ).fetchone()
        return found == (newest(), str(storage_srid)) and readable(conn)
