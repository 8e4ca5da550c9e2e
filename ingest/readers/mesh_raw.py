"""A mesh as its file has it, before places and images are looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.texturedmesh import Look

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class MeshFault(Exception):  # noqa: N818 - a fault of a file, told as a finding
    """The file cannot be read; ``en`` and ``zh`` say why and what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh


@dataclass(slots=True)
class RawMaterial:
    """``colour`` sRGB 0..255; ``texture`` as the file names it, or ``data``, the image itself, and
    the ``look`` of it. A ``translucent`` one is drawn half transparent by other programs."""

    name: str
    colour: tuple[int, int, int] = (200, 200, 200)
    texture: str | None = None
    data: bytes | None = None
    look: Look = field(default_factory=Look)
    translucent: bool = False
    defined: bool = True


@dataclass(slots=True)
class RawMesh:
    """m triangles: ``positions`` (n, 3) as in the file, ``faces`` (m, 3) into them, ``uv`` (k, 2)
    from the image's upper left corner, ``corners`` (m, 3) into ``uv`` or -1, ``materials`` (m,)
    into ``table``. ``up`` is the axis that the format says is up, None where it does not;
    ``single`` tells that coordinates were stored with 24 bits. ``missing`` are files that are named
    and not there, ``beside`` those that were read too; ``coloured`` vertices have colours of their
    own, ``broken`` triangles named vertices that are not there, ``ignored`` is what the format has
    for looks and is not read."""

    positions: F64
    faces: I64
    uv: F32
    corners: I64
    materials: I64
    table: list[RawMaterial]
    up: str | None = None
    single: bool = False
    missing: list[str] = field(default_factory=list)
    beside: list[Path] = field(default_factory=list)
    coloured: bool = False
    broken: int = 0
    ignored: list[str] = field(default_factory=list)


def text_of(raw: bytes) -> str:
    """UTF-8, or what Chinese programs write."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def find_beside(base: Path, name: str) -> Path | None:
    """The file that ``name``, written on whatever machine, means beside ``base``, or None.

    A path is tried as a relative one, never above the folder of ``base``, then ever shorter ends of
    it, as absolute paths of other machines have them; letters may differ in case.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    for start in range(len(parts)):
        here: Path | None = base.parent
        for part in parts[start:]:
            here = _entry(here, part) if here is not None else None
        if here is not None and here.is_file() and not here.is_symlink():
            return here
    return None


def _entry(folder: Path, name: str) -> Path | None:
    exact = folder / name
    if exact.exists():
        return exact
    try:
        others = [path for path in folder.iterdir() if path.name.casefold() == name.casefold()]
    except OSError:
        return None
    return min(others, default=None)
