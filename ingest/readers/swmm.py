"""Drainage models of SWMM (.inp) as pipe networks.

Read after the SWMM 5.2 user manual, appendix D. Conduits become segments with inverts from the
nodes' elevations and the offsets; pumps, orifices, weirs and outlets points between two short
segments, whose heights the format has not: :mod:`ingest.heights` refuses those. It does not tell
storm water from sewage: the class is that of ``profile`` (YS, WS, HS, or a word for them), else PS,
drainage.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ingest.readers.epanet_inp import Inp
from ingest.readers.epanet_rows import (
    Floats,
    Report,
    find,
    names,
    spec,
    table,
    tell_stray,
)
from ingest.readers.inp_reader import FOOT, InpReader, attributes, metric, option
from models.findings import Finding, Place, Severity

_METRIC: Final = frozenset({"CMS", "LPS", "MLD"})
_US: Final = frozenset({"CFS", "GPM", "MGD"})
_NODES: Final = (
    (spec("JUNCTIONS", "id elevation depth", 2, "elevation depth"), None, "窨井"),
    (spec("OUTFALLS", "id elevation", 2, "elevation"), "出水口", None),
    (spec("STORAGE", "id elevation depth", 3, "elevation depth"), None, "水池"),
    (spec("DIVIDERS", "id elevation", 2, "elevation"), None, "溢流井"),
)
_CONDUITS: Final = spec(
    "CONDUITS", "id from to length roughness in_offset out_offset", 5, "length roughness"
)
_DEVICES: Final = (
    (spec("PUMPS", "id from to", 3), "泵站"),
    (spec("ORIFICES", "id from to", 3), None),
    (spec("WEIRS", "id from to", 3), "溢流井"),
    (spec("OUTLETS", "id from to", 3), None),
)
_SECTIONS: Final = spec("XSECTIONS", "id form g1 g2 g3 g4 barrels", 2)
#: Forms of [XSECTIONS] with a canonical shape; of all others only the height is known.
_SHAPES: Final = {
    "CIRCULAR": "round",
    "FORCE_MAIN": "round",
    "FILLED_CIRCULAR": "round",
    "RECT_CLOSED": "rect",
    "RECT_OPEN": "rect",
    "EGG": "egg",
}


class SwmmReader(InpReader):
    """Ids do not tell upper from lower case."""

    name = "swmm"
    wanted = frozenset(
        {"JUNC", "OUTF", "STOR", "DIVI", "COND", "PUMP", "ORIF", "WEIR", "OUTL", "XSEC"}
    )
    code = "PS"
    fold = True

    def network(self, inp: Inp, code: str, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Nodes, and links that stand on them."""
        metres = metric(
            inp,
            report,
            "FLOW_UNITS",
            default="CFS",
            units=(_METRIC, _US),
            read_as=("长度按英尺读取", "lengths are read as feet"),
        )
        metre = 1.0 if metres else FOOT
        nodes = _nodes(inp, code, metre, report)
        low = int((nodes["ground_h"].isna() & nodes["well_bottom_h"].notna()).sum())
        if low:
            report.findings.append(_at_invert(report.file, low, len(nodes)))
        return nodes, _links(inp, code, nodes, metre, report)


def _nodes(inp: Inp, code: str, metre: float, report: Report) -> pd.DataFrame:
    parts = []
    for what, feature, word in _NODES:
        part = table(inp, what, report)
        bottom = part["elevation"].to_numpy(np.float64) * metre
        depth = np.full(len(part), np.nan)
        if "depth" in part:
            depth = part["depth"].to_numpy(np.float64) * metre
            depth = np.where(depth > 0, depth, np.nan)  # 0: up to the crown of the highest link
        part["well_bottom_h"], part["well_depth"], part["ground_h"] = bottom, depth, bottom + depth
        part["feature"] = feature
        # A junction without depth is only a place where conduits meet.
        manhole = ~np.isnan(depth) | (what.name != "JUNCTIONS")
        part["appurtenance"] = pd.Series([word] * len(part), dtype=object).where(manhole, None)
        part["attrs"] = attributes(swmm=np.full(len(part), what.name))
        parts.append(part.drop(columns=[c for c in ("elevation", "depth") if c in part]))
    return pd.concat(parts, ignore_index=True).assign(class_code=code)


def _at_invert(file: str, low: int, count: int) -> Finding:
    return Finding(
        "INP-02",
        Severity.INFO,
        Place(file),
        f"{file}：{count} 个节点中有 {low} 个未给深度，其地面高程为空，点位置于管底高程。"
        "如需地面高程，请补充最大深度（MaxDepth）。",
        f"{file}: {low} of {count} nodes have no depth: their ground height is null, and they "
        "stand at their invert. Give their depth (MaxDepth) where the ground height is wanted.",
        str(low),
    )


def _links(inp: Inp, code: str, nodes: pd.DataFrame, metre: float, report: Report) -> pd.DataFrame:
    conduits = table(inp, _CONDUITS, report)
    inverts = _inverts(inp, conduits, nodes, metre, report)
    conduits["from_invert_h"], conduits["to_invert_h"] = inverts.T
    parts = [conduits.assign(device=False, word=None)]
    for what, word in _DEVICES:
        parts.append(table(inp, what, report).assign(device=True, word=word))
    links = pd.concat(parts, ignore_index=True)
    links["class_code"], links["depth_ref"] = code, "invert"
    links["flow"] = pd.array(np.ones(len(links), np.int64), dtype="Int64")
    _sections(inp, links, metre, report)
    for end in ("from", "to"):
        # a conduit without a size runs where its invert is
        links[f"{end}_z"] = links[f"{end}_invert_h"] + links["height_mm"].fillna(0) / 2000
    links["attrs"] = attributes(
        swmm=links["section"],
        length_m=links["length"] * metre,
        roughness=links["roughness"],
        form=links["form"],
        barrels=links["barrels"],
    )
    scratch = [*_CONDUITS.columns[3:], "form", "barrels", "fields"]
    round_ = (links["shape"] == "round").to_numpy(bool)
    links.loc[round_, "height_mm"] = np.nan
    return links.drop(columns=scratch)


def _inverts(
    inp: Inp, conduits: pd.DataFrame, nodes: pd.DataFrame, metre: float, report: Report
) -> Floats:
    """(k, 2) invert heights in metres: the node's bottom and the offset above it, or the offset
    itself where LINK_OFFSETS is ELEVATION; ``*`` is the node's bottom."""
    absolute = (option(inp, "LINK_OFFSETS") or ("DEPTH", 0))[0] == "ELEVATION"
    bottom = np.append(nodes["well_bottom_h"].to_numpy(np.float64), np.nan)
    out = np.empty((len(conduits), 2))
    for index, (end, column) in enumerate((("from", "in_offset"), ("to", "out_offset"))):
        text = conduits[column].astype(object)
        given = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
        given = np.where(np.isfinite(given), given, np.nan)
        blank = (text.isna() | (text == "*")).to_numpy(bool)
        wrong = np.isnan(given) & ~blank
        report.rows(
            conduits.assign(text=text)[wrong],
            "STR-04",
            f"{{id}} 的 {column} 为“{{text}}”，应为数值。请更正。",
            f"{column} of {{id}} is “{{text}}”, expected a number. Correct it.",
            column=column,
            found="{text}",
            expected="number",
        )
        conduits.loc[wrong, "good"] = False
        at_node = bottom[find(nodes["id"], conduits[end], fold=True)]
        above = at_node + np.where(blank, 0.0, given * metre)
        out[:, index] = np.where(blank, at_node, given * metre) if absolute else above
    return out


def _sections(inp: Inp, links: pd.DataFrame, metre: float, report: Report) -> None:
    """Shape and inner size (mm) of the links from [XSECTIONS]. In place."""
    rows = table(inp, _SECTIONS, report)
    at = find(rows["id"], links["id"], fold=True)
    tell_stray(report, rows[find(links["id"], rows["id"], fold=True) < 0])
    for column in ("form", "barrels"):
        text = pd.Series(rows[column].to_numpy(object), dtype=object).reindex(at)
        links[column] = text.where(text.notna(), None).to_numpy(object)
    links["form"] = names(links["form"], fold=True)
    sizes = []
    for column in ("g1", "g2"):
        number = pd.to_numeric(rows[column], errors="coerce").to_numpy(np.float64)
        size = np.append(number, np.nan)[at] * metre * 1000
        sizes.append(np.where(size > 0, size, np.nan))
    shape = links["form"].map(_SHAPES).astype(object)
    links["shape"] = shape.where(shape.notna(), None)
    round_ = (shape == "round").to_numpy(bool)
    flat = (shape == "rect").to_numpy(bool)
    links["height_mm"] = sizes[0]
    links["width_mm"] = np.where(round_, sizes[0], np.where(flat, sizes[1], np.nan))
    for column in ("od_mm", "id_mm"):
        links[column] = np.where(round_, sizes[0], np.nan)
