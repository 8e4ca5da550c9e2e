"""Closed convex cross-sections that are swept along centre lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from tiles.content import F64
from tiles.mesh.ragged import I64
from tiles.mesh.surface import unit


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A cross-section that fills the square -1..1, x to the right and y up.

    ``points`` (k, 2) counter-clockwise and ``normals`` (k, 2); ``edges`` (s, 2) are the strips
    between points; ``corners`` (c,) the points that the cap uses, without doubles.
    """

    points: F64
    normals: F64
    edges: I64
    corners: I64

    @property
    def area(self) -> float:
        """Area at half-width and half-height 1."""
        x, y = self.points[self.corners].T
        return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _smooth(points: F64, normals: F64) -> Profile:
    here = np.arange(len(points))
    return Profile(points, normals, np.column_stack([here, np.roll(here, -1)]), here)


@cache
def circle(sides: int) -> Profile:
    """A regular polygon inscribed in the circle of radius 1, shaded round."""
    angle = 2 * np.pi * np.arange(sides) / sides
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    return _smooth(points, points)


@cache
def box() -> Profile:
    """The square itself, with flat sides."""
    corner = np.array([[1.0, -1], [1, 1], [-1, 1], [-1, -1]])
    points = np.repeat(corner, 2, axis=0)
    flat = np.array([[0.0, -1], [1, 0], [0, 1], [-1, 0]])
    normals = np.repeat(flat, 2, axis=0)[[0, 2, 3, 4, 5, 6, 7, 1]]
    edges = np.array([[1, 2], [3, 4], [5, 6], [7, 0]])
    return Profile(points, normals, edges, np.array([0, 2, 4, 6]))


@cache
def egg(sides: int = 16) -> Profile:
    """An egg, blunt end up, of the classic 2:3 sewer shape (crown r, sides 3r, invert r/2).

    Its arcs are sampled evenly by length and scaled to the square.
    """
    fine = np.linspace(0, np.pi, 721)
    crown = np.column_stack([np.cos(fine), np.sin(fine)])  # r = 1 around (0, 0)
    # The side arc (3r around (-2, 0)) meets the invert arc (r/2 around (0, -1.5)) in a tangent.
    turn = np.arctan2(1.5, 2.0)
    side = np.linspace(-turn, 0, 361)[:-1]
    right = np.column_stack([-2 + 3 * np.cos(side), 3 * np.sin(side)])
    bottom = np.linspace(-np.pi / 2, -turn, 181)[:-1]
    invert = np.column_stack([0.5 * np.cos(bottom), -1.5 + 0.5 * np.sin(bottom)])
    half = np.vstack([invert, right])  # from the lowest point up, so that left mirrors right
    outline = np.vstack([half, crown, half[:0:-1] * (-1, 1)])
    step = np.linalg.norm(np.diff(outline, axis=0, append=outline[:1]), axis=1)
    length = np.concatenate([[0], np.cumsum(step)])
    at = np.linspace(0, length[-1], sides, endpoint=False)
    closed = np.vstack([outline, outline[:1]])
    points = np.column_stack([np.interp(at, length, closed[:, i]) for i in (0, 1)])
    points[:, 1] -= (points[:, 1].max() + points[:, 1].min()) / 2
    points /= np.abs(points).max(axis=0)
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    outward = unit(np.column_stack([along[:, 1], -along[:, 0], np.zeros(sides)]))[:, :2]
    return _smooth(points, outward)
