"""The analyses there are, by the names they have over HTTP and on the command line."""

from __future__ import annotations

from typing import Final

from twin.analyses.ageing import AgeingRequest, ageing
from twin.analyses.buffer import BufferRequest, buffer
from twin.analyses.clearance import (
    ClashRequest,
    ClearanceRequest,
    clash,
    horizontal_clearance,
    vertical_clearance,
)
from twin.analyses.cover import CoverRequest, cover
from twin.analyses.ducts import DuctsRequest, ducts
from twin.analyses.excavation import ExcavationRequest, excavation
from twin.analyses.foundation import FoundationRequest, foundation_clearance
from twin.analyses.network_results import NETWORK
from twin.analyses.profile import ProfileRequest, profile
from twin.analyses.registry import Analysis
from twin.analyses.results import MEASURES
from twin.analyses.schemas import Schema
from twin.analyses.section import SectionRequest, section
from twin.analyses.space_catalogue import SPACE
from twin.analyses.space_results import SPACE as IN_SPACE
from twin.analyses.tracing import (
    ConnectivityRequest,
    SourceRequest,
    TraceRequest,
    connectivity,
    source,
    trace,
)
from twin.analyses.valves import FlowRequest, IsolationRequest, flow_direction, isolation

_SVG: Final = ("image/svg+xml",)
_LINE: Final = [[624030.0, 3450570.0], [624080.0, 3450575.0]]
_AREA: Final = [[624040.0, 3450560.0], [624060.0, 3450560.0], [624060.0, 3450580.0]]

ALL: Final = (
    Analysis("section", "横断面", "Cross-section", SectionRequest, section, {"line": _LINE}, _SVG),
    Analysis(
        "profile",
        "纵断面",
        "Longitudinal profile",
        ProfileRequest,
        profile,
        {"nodes": ["YS1", "YS7"]},
        _SVG,
    ),
    Analysis(
        "horizontal-clearance",
        "水平净距",
        "Horizontal clearance",
        ClearanceRequest,
        horizontal_clearance,
        {"polygon": _AREA},
    ),
    Analysis(
        "vertical-clearance",
        "垂直净距",
        "Vertical clearance",
        ClearanceRequest,
        vertical_clearance,
        {"segments": ["YS1-YS2"], "reach": 2.0},
    ),
    Analysis(
        "foundation-clearance",
        "建（构）筑物基础净距",
        "Clearance from a foundation",
        FoundationRequest,
        foundation_clearance,
        {"polygon": _AREA, "depth": 1.5, "friction": 30, "trench": 1.2},
    ),
    Analysis("clash", "空间碰撞", "Clash in space", ClashRequest, clash, {"polygon": _AREA}),
    Analysis(
        "cover",
        "覆土",
        "Cover along pipes",
        CoverRequest,
        cover,
        {"polygon": _AREA, "surface": "carriageway"},
    ),
    Analysis(
        "connectivity",
        "连通性",
        "Connectivity",
        ConnectivityRequest,
        connectivity,
        {"nodes": ["JS1", "JS9"], "closed": ["JS4"]},
    ),
    Analysis(
        "trace",
        "上下游追踪",
        "Upstream or downstream trace",
        TraceRequest,
        trace,
        {"nodes": ["WS5"], "direction": "upstream"},
    ),
    Analysis(
        "source",
        "污染溯源",
        "Contamination source",
        SourceRequest,
        source,
        {"node": "WS5", "hours": 6},
    ),
    Analysis(
        "isolation",
        "爆管关阀",
        "Burst isolation",
        IsolationRequest,
        isolation,
        {"segments": ["JS1-JS2"]},
    ),
    Analysis(
        "buffer",
        "缓冲区",
        "Buffer",
        BufferRequest,
        buffer,
        {"point": [121.3, 31.17], "crs": "EPSG:4326", "distance": 10},
    ),
    Analysis(
        "excavation",
        "开挖告知单",
        "Excavation ticket",
        ExcavationRequest,
        excavation,
        {"polygon": _AREA, "depth": 2.5, "slope": 0.5},
        (*_SVG, "text/html"),
    ),
    Analysis(
        "ducts",
        "管孔占用",
        "Free ducts along a route",
        DuctsRequest,
        ducts,
        {"nodes": ["TX1", "TX6"]},
    ),
    Analysis(
        "flow-direction",
        "流向",
        "Flow direction",
        FlowRequest,
        flow_direction,
        {"class_code": "PS"},
    ),
    Analysis("ageing", "老化统计", "Ageing statistics", AgeingRequest, ageing, {"old": 30}),
    *SPACE,
)

#: JSON Schema of the results, by the same names.
RESULTS: Final[dict[str, Schema]] = {**MEASURES, **NETWORK, **IN_SPACE}
