"""``manifest.json`` of a delivery as a table of names and values, like a metadata sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ingest.errors import refuse
from ingest.mapping.text import Objects
from ingest.readers.tables_grid import Grid

_MAX_BYTES: Final = 4 << 20


def read(path: Path) -> Grid:
    """The members of the object, one a row: name and value; an object inside gives a row a member
    (``offset.x``), lists are left out.

    Raises :class:`ingest.errors.RefusedError` (STR-00) for what is no JSON object.
    """
    rows = [
        [name, str(value)]
        for name, value in _members(document(path))
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    ]
    cells: Objects = np.full((len(rows), 2), None, object)
    for index, row in enumerate(rows):
        cells[index] = row
    return Grid(path.name, None, cells)


def document(path: Path) -> dict[str, Any]:
    """The JSON object at ``path``. Raises as :func:`read`."""
    found = f"{path.stat().st_size} B"
    if path.stat().st_size <= _MAX_BYTES:
        try:
            loaded = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError as error:
            found = f"{error.msg}, line {error.lineno}"
        else:
            if isinstance(loaded, dict):
                return loaded
            found = type(loaded).__name__
    raise refuse(
        "STR-00",
        path.name,
        en=f"{path.name} is no manifest ({found}). Write a JSON object of at most "
        f"{_MAX_BYTES >> 20} MiB with members such as crs and vdatum.",
        zh=f"{path.name} 不是有效的元数据（{found}）。请写成不超过 {_MAX_BYTES >> 20} MiB 的 JSON "
        "对象，包含 crs、vdatum 等成员。",
        found=found,
        expected='{"crs": …, "vdatum": …}',
    )


def _members(value: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for name, member in value.items():
        if isinstance(member, dict):
            if not before:
                out += _members(member, f"{name}.")
        else:
            out.append((f"{before}{name}", member))
    return out
