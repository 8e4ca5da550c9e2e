"""Styles of layers as typed values, from ``tiles/styles/*.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from models.yaml_data import read_yaml
from tiles.content import Material

Style = dict[str, Any]
_FOLDER: Final = files("tiles") / "styles"


@cache
def default_style(layer: str) -> Style:
    """The style that comes with the package for ``buildings``, ``pipes`` or ``bim``.

    Do not change it in place; a deployment's own style is another dictionary of the same shape.
    """
    style: Style = read_yaml((_FOLDER / f"{layer}.yaml").read_text("utf-8"))
    return style


def material(name: str, rgb: list[int], *, double_sided: bool = False) -> Material:
    """A dull material of an sRGB 0..255 colour, with opacity as a fourth number."""
    r, g, b, a = (*rgb, 255)[:4]
    return Material(name, (r / 255, g / 255, b / 255, a / 255), double_sided)
