"""Named SQL statements, one file each in ``queries/``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def text(name: str) -> str:
    """The statement ``queries/<name>.sql`` without its comments, which may name places too."""
    written = (files("models.db") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return "\n".join(line for line in written.splitlines() if not line.startswith("--"))


def statement(name: str, **parts: sql.Composable) -> sql.Composed:
    """The statement with its ``{name}`` places filled by identifiers or composed SQL.

    Values are never filled in here; they are bound (``%(name)s``) when it is executed.
    """
    return sql.SQL(text(name)).format(**parts)


def octets(names: list[str] | tuple[str, ...], alias: str) -> sql.Composed:
    """Bytes of the text columns ``names`` together, null as none; what is long stays packed."""
    one = sql.SQL("coalesce(octet_length({}), 0)")
    return sql.SQL(" + ").join(one.format(sql.Identifier(alias, name)) for name in names)


def columns(names: list[str] | tuple[str, ...], alias: str | None = None) -> sql.Composed:
    """``alias.a, alias.b``: a list of quoted columns."""
    quoted = [sql.Identifier(alias, n) if alias else sql.Identifier(n) for n in names]
    return sql.SQL(", ").join(quoted)
