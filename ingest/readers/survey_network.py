"""Joins survey lines to their points and derives sections, heights and accuracy.

What a depth is measured to decides every height: the inner bottom for gravity pipes and trenches,
the outer top for the rest (``models/data/pipes/classes.yaml``).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ingest.rules.network import Floats, Mask, Survey
from models import pipes

#: Materials whose nominal size is the outer diameter.
_OUTER_SIZED: Final = frozenset({"聚乙烯", "聚氯乙烯"})
_CABLES: Final = ("DL", "TX")


def join(survey: Survey) -> None:
    """Keys of the points, positions ``a`` and ``b`` of the lines' ends, classes of points that
    only their lines tell. Works in place.

    A point's key is its number, with its class before it where several classes use the number.
    """
    points, lines = survey.points, survey.lines
    points["class_code"] = _classes_by_lines(points, lines)
    major = _majors(points["class_code"])
    pairs = points[["exp_no", "class_code"]].drop_duplicates()
    several = set(pairs.loc[pairs["exp_no"].duplicated(keep=False), "exp_no"].dropna())
    points["key"] = _keys(points["exp_no"], points["class_code"], several)
    first = points["key"].dropna().drop_duplicates()
    index = pd.Index(first.to_numpy(object))
    lines["major"] = pd.Series(_majors(lines["class_code"]), dtype=object)
    for column, key, end in (("a", "from_key", "from_no"), ("b", "to_key", "to_no")):
        lines[key] = _keys(lines[end], lines["class_code"], several)
        at = index.get_indexer(pd.Index(lines[key].to_numpy(object)))
        position = np.where(at >= 0, first.index.to_numpy()[at] if len(first) else -1, -1)
        position[lines[end].isna().to_numpy()] = -1
        # A number that only another class has is another class's point.
        own = lines["major"].to_numpy(object)
        other = np.append(major, np.array([None], object))[position]
        foreign = np.not_equal(own, other) & pd.notna(own) & pd.notna(other)
        position[foreign] = -1
        lines[column] = position.astype(np.intp)


def derive(survey: Survey) -> None:
    """Section, heights of reference, top, invert and centre, and the points' mean errors."""
    lines = survey.lines
    known = pipes.classes()
    lines["gravity"] = np.fromiter(
        (c in known and known[c].gravity for c in lines["class_code"]), bool, len(lines)
    )
    lines["depth_ref"] = pd.Series(_depth_refs(lines), dtype=object)
    _sections(lines)
    grounds = survey.at_ends("ground_h")
    invert_ref = (lines["depth_ref"] == "invert").to_numpy(bool)
    inner, outer = _half_sizes(lines)
    for end, ground in zip(("from", "to"), grounds, strict=True):
        _heights(survey, end, ground, invert_ref, inner, outer)
    _accuracy(survey)


def _keys(numbers: Any, classes: Any, several: set[str]) -> Any:
    if not several:
        return numbers.astype(object)
    keys = [
        f"{c}:{n}" if n in several and c is not None else n
        for n, c in zip(numbers.to_numpy(object), classes.to_numpy(object), strict=True)
    ]
    return pd.Series(keys, dtype=object)


def _majors(codes: Any) -> npt.NDArray[np.object_]:
    known = pipes.classes()
    out = np.empty(len(codes), object)
    out[:] = [known[c].major if c in known else None for c in codes]
    return out


def _classes_by_lines(points: pd.DataFrame, lines: pd.DataFrame) -> Any:
    """The points' classes; where none is known, that of the lines, if they agree."""
    classes = points["class_code"].astype(object)
    if not classes.isna().any():
        return classes
    ends = pd.concat(
        [
            lines[["from_no", "class_code"]].set_axis(["no", "cls"], axis=1),
            lines[["to_no", "class_code"]].set_axis(["no", "cls"], axis=1),
        ]
    ).dropna()
    ends = ends.drop_duplicates()
    ends = ends[~ends["no"].duplicated(keep=False)]
    by_number = dict(zip(ends["no"], ends["cls"], strict=True))
    filled = [
        c if c is not None else by_number.get(n)
        for c, n in zip(classes.to_numpy(object), points["exp_no"].to_numpy(object), strict=True)
    ]
    return pd.Series(filled, dtype=object)


def _depth_refs(lines: pd.DataFrame) -> list[str]:
    known, lists = pipes.classes(), pipes.word_list("embed")
    by_embed = pipes.depth_ref_by_embed()
    embeds = {zh: by_embed[w.code] for zh, w in lists.items() if w.code in by_embed}
    return [
        embeds.get(e) or (known[c].depth_ref if c in known else "top")
        for e, c in zip(lines["embed"], lines["class_code"], strict=True)
    ]


def _sections(lines: pd.DataFrame) -> None:
    """Shape and outer and inner diameter (mm).

    A nominal size is the inner diameter, for plastic pipes, cables and sizes written De the outer
    one. Where the wall is not given both are the nominal size: ``wall_mm`` null says so.
    """
    box = lines["box"].to_numpy(bool)
    section = lines["section"].to_numpy(object)
    cable = np.isin(lines["major"].astype(str), _CABLES)
    bank = box & ((lines["embed"] == "管块").to_numpy(bool) | (cable & lines["holes"].notna()))
    shape = np.where(bank, "bank", np.where(box, "rect", "round")).astype(object)
    egg = box & (section == "egg")
    shape[egg] = "egg"
    lines["shape"] = pd.Series(shape, dtype=object)
    size = lines["width_mm"].to_numpy(np.float64)
    wall = lines["wall"].to_numpy(np.float64)
    walls = 2 * np.nan_to_num(wall)
    outer_sized = (
        lines["outer"].to_numpy(bool) | cable | lines["material"].isin(_OUTER_SIZED).to_numpy(bool)
    )
    od = np.where(outer_sized, size, size + walls)
    inner = np.where(outer_sized, np.maximum(size - walls, 0.0), size)
    lines["od_mm"] = np.where(box, np.nan, od)
    lines["id_mm"] = np.where(box, np.nan, inner)
    lines["wall_mm"] = wall


def _half_sizes(lines: pd.DataFrame) -> tuple[Floats, Floats]:
    """Inner and outer height of the section in metres."""
    height = lines["height_mm"].to_numpy(np.float64)
    box = lines["box"].to_numpy(bool)
    inner = np.where(box, height, lines["id_mm"].to_numpy(np.float64)) / 1000
    outer = np.where(box, height, lines["od_mm"].to_numpy(np.float64)) / 1000
    return inner, outer


def _heights(
    survey: Survey, end: str, ground: Floats, invert_ref: Mask, inner: Floats, outer: Floats
) -> None:
    lines = survey.lines
    top = survey.numbers("line", f"{end}_top_h")
    bottom = survey.numbers("line", f"{end}_bot_h")
    plain = survey.numbers("line", f"{end}_h")
    depth = survey.numbers("line", f"{end}_depth")
    own = np.where(invert_ref, bottom, top)
    measured = np.where(np.isnan(own), plain, own)
    name = np.where(invert_ref, f"{end}_bot_h", f"{end}_top_h")
    lines[f"{end}_ref_h"] = measured
    lines[f"{end}_ref_field"] = pd.Series(
        np.where(np.isnan(own), f"{end}_h", name).astype(object), dtype=object
    )
    # From the inner bottom to the outer top there is the inner height and one wall.
    across = inner + (outer - inner) / 2
    other = np.where(invert_ref, top - across, bottom + across)
    z = np.where(np.isnan(measured), ground - depth, measured)
    z = np.where(np.isnan(z), other, z)
    invert = np.where(invert_ref, z, z - across)
    lines[f"{end}_ref_z"] = z
    lines[f"{end}_invert_h"] = np.where(np.isnan(bottom), invert, bottom)
    outer_top = np.where(invert_ref, invert + across, z)
    lines[f"{end}_top_out_h"] = np.where(np.isnan(top), outer_top, top)
    # A line without a size (cables, counted and not measured) runs where it was measured.
    lines[f"{end}_centre_z"] = np.where(np.isnan(inner), z, invert + inner / 2)
    lines[f"{end}_depth_out"] = np.where(np.isnan(depth), ground - z, depth)


def _accuracy(survey: Survey) -> None:
    """Method and mean errors of the points: 1 sigma, in metres, null where the method gives none.

    A point without a stated method counts as visible when it has an appurtenance, else hidden.
    """
    points, lines = survey.points, survey.lines
    figures = pipes.accuracy()
    deepest = np.zeros(len(points) + 1)
    for ends, end, ground in zip(
        survey.ends(), ("from", "to"), survey.at_ends("ground_h"), strict=True
    ):
        depth = ground - lines[f"{end}_centre_z"].to_numpy(np.float64)
        known = np.isfinite(depth)
        np.maximum.at(deepest, ends[known], depth[known])
    h = deepest[:-1]
    method = points["acq_method"].to_numpy(object).copy()
    unsaid = pd.isna(method)
    points["method_stated"] = ~unsaid
    seen = points["appurtenance"].notna().to_numpy(bool)
    method[unsaid & seen], method[unsaid & ~seen] = "visible", "hidden"
    base, visible, hidden = figures["survey"], figures["visible"], figures["hidden"]
    by_sight = np.where(h <= visible["upto"], visible["depth"], visible["beyond"] * h)
    probed = np.maximum(h, hidden["least_h"])
    plan = {"visible": base["xy"], "hidden": np.hypot(base["xy"], hidden["xy"] * probed)}
    up = {
        "visible": np.hypot(base["z"], by_sight),
        "hidden": np.hypot(base["z"], hidden["depth"] * probed),
    }
    for name, table, exposed in (("sigma_xy", plan, base["xy"]), ("sigma_z", up, base["z"])):
        sigma = np.full(len(points), np.nan)
        for kind, value in {**table, "exposed": exposed}.items():
            sigma = np.where(method == kind, value, sigma)
        points[name] = np.round(sigma, 4)
    points["acq_method"] = pd.Series(method, dtype=object)
