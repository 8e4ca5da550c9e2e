"""From the nodes and links of an input file to the canonical tables of pipes.

A device between two nodes (valve, pump, weir, …) becomes a point in the middle of its link, with
two short segments to the nodes, so that closing it can cut the network there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from ingest.readers.epanet_rows import Floats, Mask, Objects, Rows

#: Rows that a device makes: a point and two segments.
DEVICE_ROWS: Final = 3


@dataclass(slots=True)
class Links:
    """Sound links: ``rows`` of the file with ``id``, ``line``, ``section``, ``device``, ``word`` of
    a device's point, and canonical columns; ``a`` and ``b`` positions of their nodes; ``path`` is
    the (v, 3) of all vertices, those of the nodes among them, of the links ``of`` (v,)."""

    rows: pd.DataFrame
    a: Rows
    b: Rows
    path: Floats
    of: Rows


def lines(
    a_xy: Floats, b_xy: Floats, heights: Floats, vertices: pd.DataFrame, of: Rows
) -> tuple[Floats, Rows]:
    """Vertices (v, 3) of all links and their links (v,): node, [VERTICES] ``x`` and ``y`` of the
    links ``of`` in the order of the file, node. ``heights`` (k, 2) at both ends are interpolated
    along the plan length; NaN stays NaN."""
    k = len(a_xy)
    link = np.concatenate([np.arange(k), of, np.arange(k)])
    place = np.concatenate([np.full(k, -1), np.arange(len(of)), np.full(k, len(of))])
    xy = np.concatenate([a_xy, vertices[["x", "y"]].to_numpy(np.float64), b_xy])
    order = np.lexsort((place, link))
    link, xy = link[order], xy[order]
    first = np.searchsorted(link, np.arange(k))
    step = np.zeros(len(link))
    step[1:] = np.hypot(*np.diff(xy, axis=0).T)
    step[first] = 0.0
    along = np.cumsum(step)
    along -= along[first][link] if k else 0.0
    total = np.bincount(link, weights=step, minlength=k)[link]
    share = np.divide(along, total, out=np.zeros_like(along), where=total > 0)
    last = np.append(first[1:], len(link)) - 1 if k else first
    share[last] = 1.0
    z = heights[link, 0] * (1 - share) + heights[link, 1] * share
    # 0 times an unknown height is unknown: an end has its own height whatever the other is
    z[first], z[last] = heights[:, 0], heights[:, 1]
    return np.column_stack([xy, z]), link


def points_table(nodes: pd.DataFrame, links: Links) -> pd.DataFrame:
    """``pipe_point`` rows of the nodes and, behind them, of the devices.

    A node stands at its ground height; one of which only the bottom is known stands there.
    """
    height = nodes["ground_h"].fillna(nodes["well_bottom_h"])
    xyz = nodes[["x", "y"]].assign(z=height).to_numpy(np.float64)
    device = np.flatnonzero(links.rows["device"].to_numpy(bool))
    middle = _middles(links, device)
    own = links.rows.iloc[device]
    made = pd.DataFrame(
        {
            "key": _keys(own["id"], "{}@"),
            "source_row": own["line"].to_numpy(np.int64),
            "source_sheet": own["section"].to_numpy(object),
            "class_code": own["class_code"].to_numpy(object),
            "appurtenance": own["word"].to_numpy(object),
            "attrs": own["attrs"].to_numpy(object),
        }
    )
    plain = pd.DataFrame(
        {
            "key": nodes["id"].to_numpy(object),
            "source_row": nodes["line"].to_numpy(np.int64),
            "source_sheet": nodes["section"].to_numpy(object),
            **{
                name: nodes[name].to_numpy()
                for name in ("class_code", "feature", "appurtenance", "ground_h", "well_depth")
            },
            "well_bottom_h": nodes["well_bottom_h"].to_numpy(np.float64),
            "attrs": nodes["attrs"].to_numpy(object),
        }
    )
    out = pd.concat([plain, made], ignore_index=True) if len(made) else plain
    every = np.concatenate([xyz, np.column_stack([middle, np.full(len(middle), np.nan)])])
    out["exp_no"] = out["key"]
    out["x_src"], out["y_src"] = every[:, 1], every[:, 0]
    out["acq_method"] = "design"
    out["geom"] = pd.Series(shapely.points(every), dtype=object)
    return _plain_text(out)


def segments_table(nodes: pd.DataFrame, links: Links) -> pd.DataFrame:
    """``pipe_segment`` rows of the pipes and of the two halves of every device's link."""
    rows, device = links.rows, links.rows["device"].to_numpy(bool)
    geometry = np.asarray(shapely.linestrings(links.path, indices=links.of), object)
    node = nodes["id"].to_numpy(object)
    out = rows.drop(columns=["device", "word"]).rename(
        columns={"id": "key", "line": "source_row", "section": "source_sheet"}
    )
    out["lno"] = out["key"]
    out["from_point"], out["to_point"] = node[links.a], node[links.b]
    out["geom"] = pd.Series(geometry, index=out.index, dtype=object)
    if not device.any():
        return _plain_text(out)
    whole = out[device]
    middle = _keys(whole["key"], "{}@")
    first, second = _halves(whole["geom"].to_numpy(object))
    parts = [
        whole.assign(key=_keys(whole["key"], "{}#1"), to_point=middle, geom=first),
        whole.assign(key=_keys(whole["key"], "{}#2"), from_point=middle, geom=second),
    ]
    return _plain_text(pd.concat([out[~device], *parts], ignore_index=True))


def keys_taken(nodes: pd.DataFrame, links: pd.DataFrame, alive: Mask) -> Mask:
    """Links whose made keys another row has already."""
    device = links["device"].to_numpy(bool)
    own, made = links["id"], [_keys(links["id"], form) for form in ("{}@", "{}#1", "{}#2")]
    # numpy's isin compares objects one with each other, pandas' hashes them
    taken = pd.Index(made[0]).isin(nodes["id"][alive])
    taken |= pd.Index(made[1]).isin(own) | pd.Index(made[2]).isin(own)
    return np.asarray(device & taken)


def _keys(ids: Any, form: str) -> Objects:
    out = np.empty(len(ids), object)
    out[:] = [form.format(i) for i in ids]
    return out


def _middles(links: Links, rows: Rows) -> Floats:
    """(k, 2) of the links' middles."""
    if len(rows) == 0:
        return np.empty((0, 2))
    geometry = np.asarray(shapely.linestrings(links.path[:, :2], indices=links.of))[rows]
    return np.asarray(
        shapely.get_coordinates(shapely.line_interpolate_point(geometry, 0.5, normalized=True))
    )


def _halves(geometry: Objects) -> tuple[Objects, Objects]:
    """Every line up to its middle, and from there on."""
    xyz, of = shapely.get_coordinates(geometry, include_z=True, return_index=True)
    k = len(geometry)
    first = np.searchsorted(of, np.arange(k))
    last = np.append(first[1:], len(of)) - 1
    flat = shapely.force_2d(geometry)
    middle = np.column_stack(
        [
            shapely.get_coordinates(shapely.line_interpolate_point(flat, 0.5, normalized=True)),
            (xyz[first, 2] + xyz[last, 2]) / 2,
        ]
    )
    along = shapely.line_locate_point(flat[of], shapely.points(xyz[:, :2]))
    behind = along > shapely.length(flat)[of] / 2
    behind[first], behind[last] = False, True
    row = np.arange(k)
    half = np.concatenate([2 * of + behind, 2 * row, 2 * row + 1])
    place = np.concatenate([np.arange(len(of)), np.full(k, len(of)), np.full(k, -1)])
    order = np.lexsort((place, half))
    parts = shapely.linestrings(np.concatenate([xyz, middle, middle])[order], indices=half[order])
    return np.asarray(parts[::2], object), np.asarray(parts[1::2], object)


def _plain_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Plain object columns with ``None`` for text that is absent (no inferred string type)."""
    for name in frame.columns:
        if frame[name].dtype == object or isinstance(frame[name].dtype, pd.StringDtype):
            column = frame[name].astype(object)
            frame[name] = column.where(column.notna(), None)
    return frame.reset_index(drop=True)
