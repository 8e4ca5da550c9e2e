"""An SVG sheet in millimetres: shapes and texts that are safe to show, whatever they say.

Structure and units follow SVG 1.1: ``width`` and ``height`` in mm with an equal ``viewBox`` make
one user unit a millimetre, so that a drawing printed at 100 % is right in scale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FONT: Final = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',SimHei,sans-serif"
#: Characters that XML 1.0 does not allow, and marks that turn the direction of writing.
_ILLEGAL: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)

Points = Iterable[Sequence[float]] | npt.NDArray[np.float64]


def clean(text: object, most: int = 200) -> str:
    """Text of others' making, without control characters, shortened and escaped for XML."""
    plain = " ".join(_ILLEGAL.sub("", str(text)).split())
    return escape(plain if len(plain) <= most else plain[: most - 1] + "…")


def text_width(text: str, size: float) -> float:
    """About how wide ``text`` is (mm) at font size ``size`` (mm): wide characters 1 em, others
    0.56 em."""
    return size * sum(1.0 if ord(c) > 0x2E80 else 0.56 for c in text)


def colour(rgb: Sequence[int]) -> str:
    """``#rrggbb`` of sRGB 0..255."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


class Sheet:
    """Collects elements; y points down, millimetres from the upper left corner."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._title = title
        self._parts: list[str] = []

    def add(self, element: str) -> None:
        """An element that is already safe."""
        self._parts.append(element)

    def line(self, points: Points, **style: Any) -> None:
        """An open line through ``points``."""
        self.add(f'<polyline points="{_points(points)}" fill="none"{_style(style)}/>')

    def shape(self, points: Points, **style: Any) -> None:
        """A closed shape."""
        self.add(f'<polygon points="{_points(points)}"{_style(style)}/>')

    def box(self, x: float, y: float, width: float, height: float, **style: Any) -> None:
        """An upright rectangle."""
        self.add(
            f'<rect x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}"'
            f"{_style(style)}/>"
        )

    def text(
        self,
        x: float,
        y: float,
        text: object,
        size: float = 2.5,
        anchor: str = "start",
        turn: float = 0.0,
        **style: Any,
    ) -> None:
        """A text with its base line at (x, y), ``size`` mm, turned ``turn`` degrees clockwise."""
        rotate = f' transform="rotate({turn:g} {x:.3f} {y:.3f})"' if turn else ""
        self.add(
            f'<text x="{x:.3f}" y="{y:.3f}" font-size="{size:g}" text-anchor="{anchor}"{rotate}'
            f"{_style(style)}>{clean(text)}</text>"
        )

    def svg(self) -> str:
        """The document."""
        body = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}mm" '
            f'height="{self.height:g}mm" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'font-family="{FONT}" fill="#111" role="img">\n<title>{clean(self._title)}</title>\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
        )


def _points(points: Points) -> str:
    return " ".join(f"{p[0]:.3f},{p[1]:.3f}" for p in points)


def _style(style: dict[str, Any]) -> str:
    return "".join(f' {name.replace("_", "-")}="{clean(value)}"' for name, value in style.items())
