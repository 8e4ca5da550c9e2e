"""Water distribution models of EPANET (.inp) as pipe networks.

Read after the EPANET 2.2 user manual, appendix C. Junctions, reservoirs and tanks become points,
pipes segments, pumps and valves points between two short segments. An elevation of a junction is
taken as the ground's, as models are made from terrain; it says nothing of the pipe's depth, so that
the heights of segments are null, and null they are for reservoirs and tanks, whose figures are
water levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ingest.readers import epanet_build
from ingest.readers.base import ReadOptions
from ingest.readers.epanet_inp import Inp, program_of, read_inp
from ingest.readers.epanet_passport import class_of, passport
from ingest.readers.epanet_rows import Objects, Report, find, spec, table, tell_stray
from models.features import Delivery
from models.findings import Finding, Place, Severity

FOOT: Final = 0.3048
INCH: Final = 25.4
#: Flow units that go with metres and millimetres; all others go with feet and inches.
_METRIC: Final = frozenset({"LPS", "LPM", "MLD", "CMH", "CMD", "CMS"})
_US: Final = frozenset({"CFS", "GPM", "MGD", "IMGD", "AFD"})

_WANTED: Final = frozenset(
    ["JUNC", "RESE", "TANK", "PIPE", "PUMP", "VALV", "COOR", "VERT", "OPTI", "STAT", "TAGS"]
)
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
_TAGS: Final = spec("TAGS", "kind id tag", 3)


class EpanetReader:
    """Reads one network a file. ``profile`` may name a class of the water majors (JS, SS, JP, …);
    otherwise it is JS. Declare both datums: the format has none."""

    name = "epanet"

    def group(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """A group a file, by what is in it."""
        return [(p,) for p in paths if p.suffix.lower() == ".inp" and program_of(p) == "epanet"]

    def read(self, paths: tuple[Path, ...], options: ReadOptions) -> Delivery:
        """Read one file. Raises :class:`ingest.errors.RefusedError` (MET-01, MET-02, STR-00,
        STR-01, STR-08); everything else is a finding of its line."""
        path = paths[0]
        declared = passport(path.name, options)
        code = class_of(path.name, options.profile, "JS", "JS")
        inp = read_inp(path, options.encoding, _WANTED)
        report = Report(path.name)
        metric = _metric(inp, report)
        nodes = _nodes(inp, code, 1.0 if metric else FOOT, report)
        links = _links(inp, code, metric, report)
        _tags(inp, nodes, links, report)
        report.findings.append(_depths(path.name))
        model = epanet_build.Model(nodes, links, fold=False)
        return epanet_build.delivery(path, inp, model, report, declared)


def _metric(inp: Inp, report: Report) -> bool:
    """Whether lengths are metres: by the flow units, GPM where the file names none."""
    named = [r for r in inp.rows("OPTI") if r.fields[0].upper() == "UNITS" and len(r.fields) > 1]
    unit = named[-1].fields[1].upper() if named else "GPM"
    if unit in _METRIC | _US:
        return unit in _METRIC
    rows = pd.DataFrame([{"line": named[-1].line, "section": "OPTIONS", "id": unit}])
    known = ", ".join(sorted(_METRIC | _US))
    report.rows(
        rows,
        "STR-04",
        "流量单位 {id} 未知，长度按英尺、管径按英寸读取。请更正。",
        "the flow unit {id} is not known; lengths are read as feet, diameters as inches. "
        "Correct it.",
        severity=Severity.WARNING,
        expected=known,
    )
    return False


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


def _tags(inp: Inp, nodes: pd.DataFrame, links: pd.DataFrame, report: Report) -> None:
    """Tags of [TAGS] into the attributes of what they are on. In place."""
    put_tags(table(inp, _TAGS, report), nodes, links, False, report)


def put_tags(
    tags: pd.DataFrame, nodes: pd.DataFrame, links: pd.DataFrame, fold: bool, report: Report
) -> None:
    """Rows of [TAGS] (``kind`` NODE or LINK, ``id``, ``tag``) into ``attrs``. In place."""
    kind = tags["kind"].str.upper() if len(tags) else tags["kind"]
    for word, frame in (("NODE", nodes), ("LINK", links)):
        part = tags[(kind == word).to_numpy(bool) & tags["good"].to_numpy(bool)]
        at = find(frame["id"], part["id"], fold)
        tell_stray(report, part[at < 0])
        attrs = frame["attrs"].to_numpy(object)
        for row, tag in zip(at[at >= 0], part["tag"][at >= 0], strict=True):
            attrs[row]["tag"] = tag


def attributes(**columns: Any) -> Objects:
    """A dictionary a row of what is known."""
    frame = pd.DataFrame(columns)
    keys, known = list(frame.columns), frame.notna().to_numpy()
    rows = zip(frame.astype(object).to_numpy(), known, strict=True)
    out = np.empty(len(frame), object)
    out[:] = [{k: v for k, v, is_ in zip(keys, *row, strict=True) if is_} for row in rows]
    return out


def _depths(file: str) -> Finding:
    return Finding(
        "INP-02",
        Severity.INFO,
        Place(file),
        f"{file}：EPANET 模型不含管道埋深，管段高程为空；节点高程作为地面高程。",
        f"{file}: an EPANET model has no depths of pipes, so the heights of segments are null; "
        "elevations of junctions are taken as ground heights.",
    )
