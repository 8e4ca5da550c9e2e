"""Checks of how points and lines hang together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from ingest.mapping.text import counted
from ingest.rules.drawn import plan_lengths
from ingest.rules.hits import Check, Hits, hits
from ingest.rules.network import Mask, Rows, Survey
from ingest.rules.topology_tables import canonical, majors, network, tables
from models import pipes
from models.network import components


def feature_degree(survey: Survey, border: float) -> Iterator[Hits]:
    """Points whose 特征, or else 附属物, expects another number of lines of their class.

    Links inside a chamber (井内连线) do not count. Lines out of use may count or not, whichever
    fits, and so may upright lines where a pipe leaves the ground (出地, 上杆). Within ``border``
    metres of the edge of the submission's area one line may be missing.
    """
    live, dead = degrees(survey)
    most, up = live + dead, _risers(survey)
    lenient = _near_border(survey, border).astype(np.intp)
    alive = survey.alive["point"] & (most > 0)
    told = np.zeros(len(alive), bool)
    for column in ("feature", "appurtenance"):
        kinds = canonical(survey.values("point", column))
        text, low, high = _expected(kinds)
        told_here = (text != "any") & ~told
        fits = (most + lenient >= low) & (live - np.where(np.isin(kinds, LEAVES), up, 0) <= high)
        told |= told_here
        mask = alive & told_here & ~fits
        count = np.where(live < low, most, live)
        yield hits(
            "point",
            mask,
            column,
            feature=kinds,
            exp=np.array([f"≥ {t[2:]}" if t.startswith("ge") else t for t in text], object),
            act=count,
            found=count,
            lines=np.array([counted(int(n), "line") for n in count], object),
        )


def _risers(survey: Survey) -> Rows:
    """How many lines that rise by more than they run meet at every point."""
    rise = survey.numbers("line", "to_ref_z") - survey.numbers("line", "from_ref_z")
    plan = plan_lengths(survey)
    upright = survey.standing() & (np.abs(rise) >= plan) & (np.abs(rise) > 0)
    size = len(survey.points) + 1
    ends = np.stack(survey.ends())[:, upright]
    return np.bincount(ends.ravel() % size, minlength=size)[:-1]


def _expected(kinds: npt.NDArray[Any]) -> tuple[npt.NDArray[np.object_], Rows, Rows]:
    """The degree that each word expects: as text, least and most."""
    known = pipes.point_words()
    index, words = pd.factorize(kinds, use_na_sentinel=True)
    texts = [*(known[w].degree if w in known else "any" for w in words), "any"]
    ranges = np.array([_range(text) for text in texts])
    return np.array(texts, object)[index], ranges[index, 0], ranges[index, 1]


def _range(text: str) -> tuple[int, int]:
    if text == "any":
        return 0, 1 << 30
    if text.startswith("ge"):
        return int(text[2:]), 1 << 30
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def degrees(survey: Survey) -> tuple[Rows, Rows]:
    """How many lines of its own class meet at every point: in use, and out of use. Lines whose
    other point is not known count."""
    own = np.append(majors(survey.values("point", "class_code")), np.array([None], object))
    lines = majors(survey.values("line", "class_code"))
    counted = survey.standing() & (survey.values("line", "embed") != _LINK)
    dead = survey.values("line", "status") == _ABANDONED
    size = len(own)
    out = []
    for part in (counted & ~dead, counted & dead):
        total = np.zeros(size, np.intp)
        for end in survey.ends():
            same = (own[end] == lines) | pd.isna(own[end]) | pd.isna(lines)
            total += np.bincount(end[part & same] % size, minlength=size)
        out.append(total[:-1])
    return out[0], out[1]


#: Words of points where a pipe leaves the ground: the riser may be drawn or not.
LEAVES: Final = ("出地", "上杆")
_LINK: Final = "井内连线"
_ABANDONED: Final = "废弃"


def _near_border(survey: Survey, within: float) -> Mask:
    area, stored = survey.context.area, None
    if area is not None:
        stored = survey.in_storage()
    if area is None or stored is None:
        return np.zeros(len(survey.points), bool)
    points = shapely.points(np.column_stack(stored[:2]))
    return np.asarray(shapely.dwithin(points, area.boundary, within), bool)


def many_components(survey: Survey) -> Iterator[Hits]:
    """The first line of every part of a class but the largest, where it falls into several.

    A part is of the class that most of its lines have.
    """
    made, net = tables(survey), network(survey)
    if made is None or net is None:
        return
    edges = np.flatnonzero(net.in_use)
    lines = pd.DataFrame(
        {
            "edge": edges,
            "part": components(net).edge[edges],
            "cls": made.segments["class_code"].to_numpy(object)[edges],
        }
    )
    usual = lines.groupby(["part", "cls"]).size().reset_index(name="n").sort_values("n")
    classes = usual.drop_duplicates("part", keep="last").set_index("part")["cls"]
    sizes = lines.groupby("part")["edge"].agg(["min", "size"]).loc[classes.index]
    for cls in sorted(set(classes)):
        own = sizes[classes == cls]
        first, size = own["min"].to_numpy(np.intp), own["size"].to_numpy()
        if len(size) < 2:
            continue
        others = np.delete(first, np.argmax(size))
        rows = made.lines[np.sort(others)]
        values = {
            "cls": np.full(len(rows), cls, object),
            "found": np.full(len(rows), len(size)),
            "largest": np.full(len(rows), int(size.max())),
            "total": np.full(len(rows), int(size.sum())),
        }
        yield Hits("line", rows, None, values)


def line_names(survey: Survey, lines: Rows) -> npt.NDArray[np.object_]:
    """Lines by their points' numbers, as ``Place.element`` has them."""
    ends = [survey.values("line", name)[lines] for name in ("from_no", "to_no")]
    names = [f"{a or '?'}~{b or '?'}" for a, b in zip(*ends, strict=True)]
    return np.array([*names, None], object)[:-1]


def point_names(survey: Survey, points: Rows, beside: Rows) -> npt.NDArray[np.object_]:
    """Points by number with their rows, for sentences about the rows ``beside``."""
    numbers = survey.values("point", "exp_no")[points]
    rows = [
        survey.row_names("point", [p], b)
        for p, b in zip(points.tolist(), beside.tolist(), strict=True)
    ]
    names = [f"{n} ({r})" for n, r in zip(numbers, rows, strict=True)]
    return np.array([*names, None], object)[:-1]


CHECKS: Final[tuple[Check, ...]] = (
    feature_degree,
    many_components,
)
