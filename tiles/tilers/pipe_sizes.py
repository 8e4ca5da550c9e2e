"""How thick a pipe is drawn, and on whose word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tiles.content import F64
from tiles.tilers.columns import Frame, numbers, texts
from tiles.tilers.style import Style

Words = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Outer sizes of s segments.

    ``shape`` (s,) round, rect, egg or bank; ``width``, ``height`` (s,) metres (equal for round);
    ``basis`` (s,) od, id_wall, nominal, section or assumed; ``text`` (s,) as a survey writes it,
    None where assumed.
    """

    shape: Words
    width: F64
    height: F64
    basis: Words
    text: Words


def sizes(segments: Frame, style: Style) -> Sizes:
    """Sizes of ``segments`` (:data:`models.features.PIPE_SEGMENT`).

    A round pipe takes its outer diameter, else inner diameter and two walls, else its nominal
    size as stated (width, height or inner diameter). Other shapes take width and height as stated;
    a missing one takes the other. What is missing or out of bounds becomes the style's assumed
    size, round.
    """
    rule = style["size"]

    def mm(name: str) -> F64:
        values = numbers(segments, name)
        values[~((values >= rule["least"]) & (values <= rule["greatest"]))] = np.nan
        return values

    width, height, od, inner = mm("width_mm"), mm("height_mm"), mm("od_mm"), mm("id_mm")
    wall = numbers(segments, "wall_mm")
    wall[~((wall > 0) & (wall < rule["greatest"]))] = np.nan
    shape = texts(segments, "shape")
    shape[~np.isin(shape.astype(str), ["rect", "egg", "bank"])] = "round"

    nominal = _first(width, height, inner)
    outer = _first(od, inner + 2 * wall, nominal)
    basis = np.full(len(segments), "nominal", dtype=object)
    basis[~np.isnan(inner + 2 * wall)] = "id_wall"
    basis[~np.isnan(od)] = "od"

    flat = shape != "round"
    wide, tall = _first(width, height), _first(height, width)
    wide, tall = np.where(flat, wide, outer), np.where(flat, tall, outer)
    basis[flat] = "section"
    text = np.full(len(segments), None, dtype=object)
    named = np.where(np.isnan(nominal), outer, nominal)
    text[~flat] = [None if np.isnan(v) else f"DN{v:g}" for v in named[~flat]]
    text[flat] = [f"{w:g}×{t:g}" for w, t in zip(wide[flat], tall[flat], strict=True)]

    unknown = np.isnan(wide)
    shape[unknown], basis[unknown], text[unknown] = "round", "assumed", None
    wide[unknown] = tall[unknown] = rule["assumed"]
    return Sizes(shape, wide / 1000, tall / 1000, basis, text)


def _first(*columns: F64) -> F64:
    """The first value of each row that is known."""
    out = columns[0].copy()
    for values in columns[1:]:
        out = np.where(np.isnan(out), values, out)
    return out
