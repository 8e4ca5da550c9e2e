"""The textured meshes of a twin and how they are kept (:mod:`models.kept`): a delivered OBJ or glTF
as plain arrays with its images as they came."""

from __future__ import annotations

import filecmp
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.errors import TwinError
from models.kept import Shelf

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U16 = npt.NDArray[np.uint16]


class MeshError(TwinError):
    """A stored mesh of a twin cannot be used."""

    code = "MSH-00"


@dataclass(frozen=True, slots=True)
class Look:
    """How a material draws an image.

    ``factor`` multiplies its linear red, green and blue, and its alpha (glTF 2.0, 3.9.2), which
    hides what is below one half where ``clear`` and is passed over elsewhere. ``wrap`` is what lies
    beyond the image's edges, across and down: ``repeat``, ``mirror`` or ``clamp``.
    """

    factor: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    clear: bool = True
    wrap: tuple[str, ...] = ("repeat", "repeat")

    @staticmethod
    def of(values: dict[str, Any]) -> Look:
        """The look that :func:`dataclasses.asdict` made ``values`` of."""
        return Look(tuple(values["factor"]), bool(values["clear"]), tuple(values["wrap"]))


@dataclass(frozen=True, slots=True)
class MeshPassport:
    """What the check of a mesh found.

    ``horizontal`` and ``vertical`` as in :class:`models.features.DatumPassport`; ``triangles`` that
    are kept, ``box`` (6) their least and greatest x, y, z in that CRS. Material i is drawn in
    ``colours[i]`` (sRGB, 0..255) or with ``images[textures[i]]``, a file name, as
    ``looks[textures[i]]`` says, unless ``textures[i]`` is -1. A mesh that was kept by an older
    version has no ``looks``.
    """

    name: str
    sha256: str
    horizontal: str
    vertical: str
    triangles: int
    box: tuple[float, ...]
    colours: tuple[tuple[int, int, int], ...]
    textures: tuple[int, ...]
    images: tuple[str, ...]
    n_offset: float = 0.0
    looks: tuple[Look, ...] = ()

    def look(self, number: int) -> Look:
        """How image ``number`` is drawn."""
        return self.looks[number] if self.looks else Look()


@dataclass(frozen=True, slots=True)
class MeshArrays:
    """The geometry of a mesh of m triangles in its CRS, z up.

    ``positions`` (n, 3), each place once; ``faces`` (m, 3) into them; ``uv`` (k, 2) from the
    image's upper left corner; ``corners`` (m, 3) into ``uv``, -1 without; ``materials`` (m,).
    """

    positions: F64
    faces: I32
    uv: F32
    corners: I32
    materials: U16

    def save(self, place: Path) -> None:
        """Write one file an array below ``place``. Raises :class:`OSError`."""
        for name in self.__slots__:
            np.save(place / f"{name}.npy", getattr(self, name), allow_pickle=False)


@dataclass(frozen=True, slots=True)
class StoredMesh:
    """The folder of a stored mesh, and its passport."""

    path: Path
    passport: MeshPassport

    def arrays(self) -> MeshArrays:
        """The geometry, mapped from disk. Raises :class:`MeshError` where it is damaged."""
        try:
            loaded = {
                name: np.load(self.path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                for name in MeshArrays.__slots__
            }
        except (OSError, ValueError) as error:
            raise damaged(self.path) from error
        return MeshArrays(**loaded)

    def image(self, number: int) -> Path:
        """The file of image ``number``."""
        return self.path / self.passport.images[number]


def damaged(path: Path) -> MeshError:
    """The error that says so."""
    return MeshError(
        f"The mesh kept as {path} is damaged. Ingest it again.",
        f"保存的三维网格 {path} 已损坏。请重新入库。",
    )


def _passport(values: dict[str, Any]) -> MeshPassport:
    values["colours"] = tuple((r, g, b) for r, g, b in values["colours"])
    for name in ("box", "textures", "images"):
        values[name] = tuple(values[name])
    values["looks"] = tuple(Look.of(look) for look in values.get("looks", ()))
    return MeshPassport(**values)


#: Where meshes are kept.
SHELF: Final[Shelf[MeshPassport, StoredMesh]] = Shelf("mesh", "", _passport, StoredMesh, damaged)


def folder(home: Path, twin: str) -> Path:
    """Where the meshes of ``twin`` lie."""
    return SHELF.folder(home, twin)


def store_mesh(home: Path, twin: str, made: Path, passport: MeshPassport) -> Path:
    """Copy the folder ``made``, which a check filled, and make it one of the twin's meshes.

    An older one of the same name is deleted, a copy that was damaged since is replaced. Raises
    :class:`OSError` where that cannot be written.
    """

    def copy(kept: Path) -> None:
        names = [path.name for path in made.iterdir()]
        same, _, _ = filecmp.cmpfiles(made, kept, names, shallow=False)
        if len(same) < len(names):
            half = kept.with_name(f".new-{passport.sha256}")
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(made, half)
            shutil.rmtree(kept, ignore_errors=True)
            half.rename(kept)

    return SHELF.put(home, twin, passport, copy)


def drop_mesh(mesh: StoredMesh) -> None:
    """Take a mesh from its twin. Raises :class:`OSError`."""
    SHELF.drop(mesh)


def meshes(home: Path, twin: str) -> list[StoredMesh]:
    """The meshes of ``twin`` in the order of their names and hashes.

    Raises :class:`MeshError` where a stored passport is damaged or its arrays are gone.
    """
    return SHELF.entries(home, twin)
