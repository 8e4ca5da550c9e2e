"""Meshes on their way between two processes: four flat files and an index, appended as they come.

One file for each kind of array keeps ten thousand small meshes as cheap as one large one, and
neither side holds more than it works on.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import numpy as np

from models.features import TriangleMesh

_ARRAYS: Final = {
    "positions": ("<f8", 3),
    "indices": ("<u4", 3),
    "materials": ("<u2", 1),
    "palette": ("<f4", 4),
}
_INDEX: Final = "meshes.json"


class MeshWriter:
    """Writes meshes into ``folder``, each content once; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._files: dict[str, BinaryIO] = {}
        self._index: dict[str, dict[str, Any]] = {}
        self.triangles = 0

    def __enter__(self) -> Self:
        for name in _ARRAYS:
            path = self._folder / f"{name}.bin"
            self._files[name] = self._stack.enter_context(path.open("wb"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        text = json.dumps(self._index, ensure_ascii=False)
        (self._folder / _INDEX).write_text(text, encoding="utf-8")

    def add(self, mesh: TriangleMesh) -> str:
        """Write ``mesh`` unless an equal one was written; its digest."""
        digest = mesh.digest()
        if digest not in self._index:
            rows = {}
            for name, (kind, _) in _ARRAYS.items():
                array = np.ascontiguousarray(getattr(mesh, name), dtype=kind)
                self._files[name].write(array.data)
                rows[name] = len(array)
            self._index[digest] = {"rows": rows, "names": mesh.material_names}
            self.triangles += len(mesh.indices)
        return digest


def read_meshes(folder: Path) -> dict[str, TriangleMesh]:
    """The meshes that a :class:`MeshWriter` wrote into ``folder``, by digest."""
    index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    whole = {
        name: np.fromfile(folder / f"{name}.bin", dtype=kind).reshape(
            (-1, width) if width > 1 else (-1,)
        )
        for name, (kind, width) in _ARRAYS.items()
    }
    at = dict.fromkeys(_ARRAYS, 0)
    meshes: dict[str, TriangleMesh] = {}
    for digest, entry in index.items():
        part: dict[str, Any] = {}
        for name, count in entry["rows"].items():
            part[name] = whole[name][at[name] : at[name] + count]
            at[name] += count
        meshes[digest] = TriangleMesh(**part, material_names=tuple(entry["names"]))
    return meshes
