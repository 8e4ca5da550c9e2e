"""What EPANET and SWMM files have in common on the way from sections to a delivery."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ingest.errors import RefusedError, refuse
from ingest.readers.epanet_inp import Inp
from ingest.readers.epanet_passport import where_it_lies
from ingest.readers.epanet_rows import (
    Report,
    check_unique,
    find,
    join_links,
    place_nodes,
    spec,
    table,
    tell_stray,
)
from ingest.readers.epanet_tables import (
    DEVICE_ROWS,
    Links,
    keys_taken,
    lines,
    points_table,
    segments_table,
)
from models.features import DatumPassport, Delivery, SourceFile, Theme
from models.findings import Severity

_COORDINATES = spec("COORDINATES", "id x y", 3, "x y")
_VERTICES = spec("VERTICES", "id x y", 3, "x y")


@dataclass(frozen=True, slots=True)
class Model:
    """Nodes and links of a file in metres, before anything is checked across rows.

    ``nodes``: ``id``, ``line``, ``section``, ``good``, ``feature``, ``appurtenance``, ``ground_h``,
    ``well_depth``, ``well_bottom_h``, ``class_code``, ``attrs``. ``links``: ``id``, ``line``,
    ``section``, ``good``, ``from``, ``to``, ``device``, ``word``, canonical columns of segments,
    ``from_z`` and ``to_z`` (heights of the centre line) and ``attrs``. ``fold`` where ids do not
    tell cases apart.
    """

    nodes: pd.DataFrame
    links: pd.DataFrame
    fold: bool


def delivery(
    path: Path, inp: Inp, model: Model, report: Report, declared: DatumPassport
) -> Delivery:
    """Check ``model`` across its rows and bring what stands into canonical tables.

    Nodes and pipes count one feature each, devices :data:`DEVICE_ROWS`. Raises
    :class:`RefusedError` when no node can be used.
    """
    nodes, links, fold = model.nodes, model.links, model.fold
    count = len(nodes) + len(links) + (DEVICE_ROWS - 1) * int(links["device"].sum())
    alive = nodes["good"].to_numpy(bool) & check_unique(nodes, "PT-01", fold, report)
    xy = place_nodes(nodes, table(inp, _COORDINATES, report), fold, report)
    alive &= np.isfinite(xy).all(axis=1)
    unique = check_unique(links, "LN-02", fold, report) & ~keys_taken(nodes, links, alive)
    a, b, stands = join_links(links, nodes, alive, fold, report)
    stands &= unique
    findings = [*inp.findings, *report.findings]
    if not alive.any():
        errors = [f for f in findings if f.severity is Severity.ERROR]
        raise RefusedError(errors) if errors else _empty(inp.file)
    vertices = table(inp, _VERTICES, report)
    at = find(links["id"], vertices["id"], fold)
    tell_stray(report, vertices[at < 0])
    kept = np.full(len(links) + 1, -1)
    kept[:-1][stands] = np.arange(np.count_nonzero(stands))
    bends = vertices["good"].to_numpy(bool) & (kept[at] >= 0)
    sound = links[stands].reset_index(drop=True)
    path_xyz, of = lines(
        xy[a[stands]],
        xy[b[stands]],
        sound[["from_z", "to_z"]].to_numpy(np.float64),
        vertices[bends],
        kept[at][bends],
    )
    number = np.cumsum(alive) - 1
    placed = nodes.assign(x=xy[:, 0], y=xy[:, 1])[alive].reset_index(drop=True)
    columns = sound.drop(columns=["from", "to", "from_z", "to_z", "good"])
    made = Links(columns, number[a[stands]], number[b[stands]], path_xyz, of)
    nearby = where_it_lies(inp.file, xy, declared.horizontal or "")
    return Delivery(
        Theme.PIPES,
        SourceFile.of(path),
        declared,
        {"pipe_point": points_table(placed, made), "pipe_segment": segments_table(placed, made)},
        findings=(*inp.findings, *report.findings, *nearby),
        features_in=count,
    )


def _empty(file: str) -> RefusedError:
    return refuse(
        "STR-08",
        file,
        en=f"{file} has no nodes. Check whether the model was exported whole.",
        zh=f"{file} 没有节点。请检查模型是否完整导出。",
        found="0",
        expected="> 0",
    )
