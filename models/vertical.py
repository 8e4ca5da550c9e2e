"""Vertical datums and the EGM96 geoid: how a height becomes a 1985 height or an ellipsoidal one.

The 1985 datum is taken as EGM96's level surface plus ``n_offset`` (metres, 0 unless control points
of a twin say otherwise; the bias in China is a few decimetres): ``h = H85 + N + n_offset``.
The grid is ``egm96_15.gtx`` (15', public domain), which Debian's ``proj-data`` installs. It is
named to PROJ with its full path, so that PROJ can neither skip it nor look elsewhere.
"""

from __future__ import annotations

import enum
import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from pyproj.datadir import get_data_dir, get_user_data_dir

from models.errors import DatumError
from models.proj import run

Array = npt.NDArray[np.float64]

GRID_NAME: Final = "egm96_15.gtx"
_GRID_BYTES: Final = 40 + 721 * 1440 * 4

#: H85 = H56 - 0.029 m, the national nominal relation of the two Yellow Sea datums.
H56_MINUS_H85: Final = 0.029


class VerticalKind(enum.StrEnum):
    """The level surface (or ellipsoid) that heights are counted from."""

    H1985 = "1985"
    H1956 = "1956"
    EGM96 = "egm96"
    ELLIPSOIDAL = "ellipsoidal"
    WUSONG = "wusong"


_WORDS: Final[dict[str, VerticalKind]] = {
    **dict.fromkeys(
        ("1985", "1985国家高程基准", "国家85高程", "yellowsea1985", "epsg:5737"), VerticalKind.H1985
    ),
    **dict.fromkeys(("1956", "1956黄海高程系", "yellowsea1956", "epsg:5736"), VerticalKind.H1956),
    **dict.fromkeys(("egm96", "egm96height", "epsg:5773"), VerticalKind.EGM96),
    **dict.fromkeys(("ellipsoidal", "ellipsoid", "大地高", "椭球高"), VerticalKind.ELLIPSOIDAL),
}
_WUSONG: Final = re.compile(r"(?:wusong|吴淞)(?:[:=]([+-]?\d+(?:\.\d+)?))?")
_KNOWN: Final = (
    "1985 (EPSG:5737), 1956 (EPSG:5736), egm96 (EPSG:5773), ellipsoidal, wusong:<offset>"
)


@dataclass(frozen=True, slots=True)
class VerticalDatum:
    """A vertical datum; ``offset`` in metres is what a Wusong height has over the 1985 one."""

    kind: VerticalKind
    offset: float = 0.0

    @classmethod
    def parse(cls, text: str | None) -> VerticalDatum:
        """The datum that ``text`` names.

        Known words: ``1985``, ``1956``, ``egm96``, ``ellipsoidal`` (height over the CGCS2000 or
        WGS84 ellipsoid), their EPSG codes and Chinese names, and ``wusong:<offset>`` with
        H85 = H - offset. Published Wusong offsets differ by decimetres from district to district,
        so there is no default. Raises :class:`DatumError` for anything else, ``None`` included.
        """
        if text is None or not text.strip():
            raise DatumError(
                f"No vertical datum is declared. Declare one of: {_KNOWN}.",
                f"未声明高程基准，不予转换入库。请声明下列之一：{_KNOWN}。",
            )
        word = re.sub(r"[\s_]+", "", unicodedata.normalize("NFKC", text)).lower()
        if (kind := _WORDS.get(word)) is not None:
            return cls(kind)
        if (match := _WUSONG.fullmatch(word)) is not None:
            if match[1] is None:
                raise DatumError(
                    "Wusong heights need their offset over the 1985 datum, which differs from "
                    "district to district. Declare it as wusong:<metres>, from control points.",
                    "吴淞高程须给出与1985国家高程基准的差值（各地不同）。"
                    "请按控制点声明为 wusong:<米>。",
                )
            return cls(VerticalKind.WUSONG, float(match[1]))
        raise DatumError(
            f"Vertical datum {text!r} is not known. Declare one of: {_KNOWN}.",
            f"未知的高程基准“{text}”。请声明下列之一：{_KNOWN}。",
        )

    @property
    def word(self) -> str:
        """The word that :meth:`parse` reads back as this datum."""
        return f"wusong:{self.offset!r}" if self.kind is VerticalKind.WUSONG else self.kind.value

    def to_1985(self, z: Array, lon: Array, lat: Array, n_offset: float = 0.0) -> Array:
        """1985 heights of ``z`` (metres) at ``lon``, ``lat`` (degrees, CGCS2000); NaN stays NaN."""
        match self.kind:
            case VerticalKind.H1985:
                return z.copy()
            case VerticalKind.H1956:
                return z - H56_MINUS_H85
            case VerticalKind.WUSONG:
                return z - self.offset
            case VerticalKind.EGM96:
                return z - n_offset
            case VerticalKind.ELLIPSOIDAL:
                return z - geoid_height(lon, lat) - n_offset


def geoid_height(lon: Array, lat: Array) -> Array:
    """EGM96 undulation N in metres at ``lon``, ``lat`` (degrees); h = H + N.

    Raises :class:`DatumError` when the grid is not installed.
    """
    return run(_geoid(), lon, lat, np.zeros_like(lon))[2]


def geoid_step() -> str:
    """The PROJ pipeline step that turns heights over EGM96 into ellipsoidal heights."""
    path = str(geoid_grid())
    if any(mark in path for mark in ',"'):  # PROJ splits +grids at commas and has no escape
        raise DatumError(
            f"The geoid grid's path {path} holds a comma or a quotation mark; move the grid.",
            f"大地水准面格网路径 {path} 含逗号或引号，请移动该文件。",
        )
    return f'+step +proj=vgridshift +grids="{path}" +multiplier=1'


@lru_cache(maxsize=1)
def geoid_grid() -> Path:
    """Where ``egm96_15.gtx`` is on this machine (looked for once)."""
    # PROJ's own search variables, not settings of ours; pyproj's wheels ignore them.
    named = [os.environ.get(name, "") for name in ("PROJ_DATA", "PROJ_LIB")]
    folders = [folder for value in named for folder in value.split(os.pathsep) if folder]
    folders += [get_user_data_dir(), *get_data_dir().split(os.pathsep)]
    folders += [str(Path(sys.prefix, "share", "proj")), "/usr/local/share/proj", "/usr/share/proj"]
    return find_grid(map(Path, folders))


def find_grid(folders: Iterable[Path]) -> Path:
    """The first whole ``egm96_15.gtx`` in ``folders``.

    Raises :class:`DatumError`, which says how to install it, when there is none: a height must
    never pass unchanged because a grid is missing.
    """
    broken = ""
    for folder in folders:
        path = folder / GRID_NAME
        if path.is_file():
            if path.stat().st_size == _GRID_BYTES:
                return path.resolve()
            broken = broken or str(path)
    fault = f"{broken} is not whole" if broken else f"{GRID_NAME} is not installed"
    fault_zh = f"{broken} 不完整" if broken else f"未安装 {GRID_NAME}"
    raise DatumError(
        f"The EGM96 geoid grid is needed for heights, but {fault}. "
        "Run: apt-get install proj-data (or name its folder in PROJ_DATA).",
        f"高程转换需要 EGM96 大地水准面格网，但{fault_zh}。"
        "请执行：apt-get install proj-data（或用 PROJ_DATA 指定其目录）。",
    )


@lru_cache(maxsize=1)
def _geoid() -> Transformer:
    return Transformer.from_pipeline(
        f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad {geoid_step()} "
        "+step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
