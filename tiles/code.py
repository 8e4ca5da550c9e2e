"""A digest of what the bytes of contents depend on but features: this program and its libraries."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

#: Folders of :mod:`tiles` that no content of a feature comes from.
OTHERS: Final = ("__pycache__", "check", "points", "store", "terrain", "textured")
#: Libraries whose version the bytes of contents depend on.
LIBRARIES: Final = (
    "numpy",
    "shapely",
    "mapbox-earcut",
    "meshopt",
    "DracoPy",
    "pyproj",
    "orjson",
    "pandas",
)


@cache
def code_digest(others: tuple[str, ...] = OTHERS, libraries: tuple[str, ...] = LIBRARIES) -> bytes:
    """The same wherever equal features give equal bytes; of all folders of :mod:`tiles` but
    ``others``, and these ``libraries``."""
    out = hashlib.blake2b(digest_size=16)
    for package in ("tiles", "models"):
        for name, data in _sources(files(package), package == "tiles", others):
            out.update(name.encode() + b"\x1f" + data)
    out.update("\x1f".join(f"{name}={version(name)}" for name in libraries).encode())
    return out.digest()


def _sources(folder: Traversable, deep: bool, others: tuple[str, ...]) -> list[tuple[str, bytes]]:
    found = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and deep and item.name not in others:
            found += _sources(item, deep, others)
        elif item.is_file() and item.name.endswith((".py", ".yaml", ".json", ".sql")):
            found.append((item.name, item.read_bytes()))
    return found
