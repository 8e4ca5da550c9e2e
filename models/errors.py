"""Errors of the model layer, each with what a user needs to mend it, in Chinese and English."""

from __future__ import annotations

from typing import Any


class TwinError(Exception):
    """Base of every error that a user may see.

    ``str(error)`` is the English sentence; ``zh`` the Chinese one. Both say what was found, where,
    what was expected and what to do.
    """

    code = "ERR"

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes whatever their subclass's constructor takes."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[TwinError], args: tuple[Any, ...], values: dict[str, Any]) -> TwinError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(values)
    return error


class DatumError(TwinError):
    """A horizontal CRS or vertical datum is missing, unknown, or cannot be transformed safely."""

    code = "MET-01"


class StorageCrsError(DatumError):
    """The storage CRS of the settings is one that features cannot be kept in."""

    code = "SET-01"


class OutsideAreaError(TwinError):
    """Coordinates lie outside the area where a transformation or twin is valid."""

    code = "CRS-02"


class UnknownTwinError(TwinError):
    """No twin of that id is defined."""

    code = "TWIN-01"


class TwinDefinitionError(TwinError):
    """A twin's definition file cannot be used; the sentence names the file and the field."""

    code = "TWIN-02"


class DatabaseError(TwinError):
    """The database cannot be used; the sentence says why and what to do."""

    code = "DB-01"
