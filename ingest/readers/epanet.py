"""Water distribution models of EPANET (.inp) as pipe networks.

Read after the EPANET 2.2 user manual, appendix C. Junctions, reservoirs and tanks become points,
pipes segments, pumps and valves points between two short segments. An elevation of a junction is
taken as the ground's, as models are made from terrain; it says nothing of the pipe's depth, so that
the heights of segments are NaN, and NaN they are for reservoirs and tanks, whose figures are water
levels. :mod:`ingest.heights` refuses those rows: the network is read whole, and kept as far as its
heights are known.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ingest.readers.epanet_inp import Inp
from ingest.readers.epanet_rows import Report, find, spec, table, tell_stray
from ingest.readers.inp_reader import FOOT, InpReader, attributes, metric
from models.findings import Finding, Place, Severity

INCH: Final = 25.4
#: Flow units that go with metres and millimetres; all others go with feet and inches.
_METRIC: Final = frozenset({"LPS", "LPM", "MLD", "CMH", "CMD", "CMS"})
_US: Final = frozenset({"CFS", "GPM", "MGD", "IMGD", "AFD"})

_NODES: Final = (
    (spec("JUNCTIONS", "id elevation", 1, "elevation"), None),
    (spec("RESERVOIRS", "id head", 1, "head"), "水厂出水"),
    (spec("TANKS", "id elevation", 1, "elevation"), "水塔"),
)
_PIPES: Final = spec(
    "PIPES",
    "id from to length diameter roughness minor status",
    5,
    "length diameter roughness",
)
_PUMPS: Final = spec("PUMPS", "id from to", 3)
_VALVES: Final = spec("VALVES", "id from to diameter type setting", 5, "diameter")
_STATUS: Final = spec("STATUS", "id status", 2)


class EpanetReader(InpReader):
    """``profile`` may name a class of the water majors (JS, SS, JP, …); otherwise it is JS."""

    name = "epanet"
    wanted = frozenset({"JUNC", "RESE", "TANK", "PIPE", "PUMP", "VALV", "STAT"})
    code = "JS"
    fold = False

    def network(self, inp: Inp, code: str, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Nodes, links, and a remark on what such a model does not have."""
        metres = metric(
            inp,
            report,
            "UNITS",
            default="GPM",
            units=(_METRIC, _US),
            read_as=(
                "长度按英尺、管径按英寸读取",
                "lengths are read as feet, diameters as inches",
            ),
        )
        nodes = _nodes(inp, code, 1.0 if metres else FOOT, report)
        links = _links(inp, code, metres, report)
        report.findings.append(_depths(report.file))
        return nodes, links


def _nodes(inp: Inp, code: str, metre: float, report: Report) -> pd.DataFrame:
    parts = []
    for what, word in _NODES:
        part = table(inp, what, report)
        level = what.columns[1]
        figure = part[level].to_numpy(np.float64) * metre
        part["appurtenance"] = word
        part["ground_h"] = figure if word is None else np.nan
        key = "elevation_m" if word is None else f"{level}_m"
        part["attrs"] = attributes(epanet=np.full(len(part), what.name[:-1]), **{key: figure})
        parts.append(part.drop(columns=[level]))
    nodes = pd.concat(parts, ignore_index=True)
    for column in ("feature", "well_depth", "well_bottom_h"):
        nodes[column] = None if column == "feature" else np.nan
    return nodes.assign(class_code=code)


def _links(inp: Inp, code: str, metric: bool, report: Report) -> pd.DataFrame:
    metre, millimetre = (1.0, 1.0) if metric else (FOOT, INCH)
    pipes = table(inp, _PIPES, report)
    # the status may stand where the minor loss is left out
    last = pipes["status"].where(pipes["status"].notna(), pipes["minor"])
    status = last.astype(object).str.upper() if len(last) else last
    pipes["length_m"] = pipes["length"] * metre
    pipes["flow"] = np.where(status == "CV", 1.0, np.nan)
    pipes["state"] = status.where(status.isin(["OPEN", "CLOSED", "CV"]), "OPEN")
    pumps, valves = table(inp, _PUMPS, report), table(inp, _VALVES, report)
    pumps["word"], valves["word"] = "泵站", "阀门"
    for device in (pumps, valves):
        device["flow"], device["state"] = 1.0, "OPEN"
    links = pd.concat(
        [pipes.assign(device=False), pumps.assign(device=True), valves.assign(device=True)],
        ignore_index=True,
    )
    for column in ("word", "type", "setting"):
        links[column] = links[column].astype(object)
    _status(inp, links, report)
    size = pd.to_numeric(links["diameter"]).to_numpy(np.float64) * millimetre
    size = np.where(size > 0, size, np.nan)
    links["class_code"], links["shape"] = code, "round"
    for column in ("width_mm", "od_mm", "id_mm"):
        links[column] = size
    links["flow"] = links["flow"].astype("Int64")
    links["from_z"] = links["to_z"] = np.nan
    links["attrs"] = attributes(
        epanet=links["section"].str[:-1],
        length_m=links["length_m"],
        roughness=links["roughness"],
        type=links["type"],
        setting=links["setting"],
        status=links["state"],
    )
    scratch = [*_PIPES.columns[3:], "type", "setting", "length_m", "state", "fields"]
    return links.drop(columns=scratch)


def _status(inp: Inp, links: pd.DataFrame, report: Report) -> None:
    """Settings of [STATUS]; a word is kept as state, a number opens its link. In place."""
    rows = table(inp, _STATUS, report)
    at = find(links["id"], rows["id"], fold=False)
    tell_stray(report, rows[at < 0])
    word = rows["status"].str.upper().where(rows["good"]) if len(rows) else rows["status"]
    chosen = (at >= 0) & word.isin(["OPEN", "CLOSED", "ACTIVE"]).to_numpy(bool)
    links.loc[at[chosen], "state"] = word[chosen].to_numpy(object)


def _depths(file: str) -> Finding:
    return Finding(
        "INP-02",
        Severity.INFO,
        Place(file),
        f"{file}：EPANET 模型不含管道埋深，管段因此无法入库；节点高程作为地面高程。",
        f"{file}: an EPANET model has no depths of pipes, so that its segments cannot be stored; "
        "elevations of junctions are taken as ground heights.",
    )
