"""JSON Schema (2020-12) of the results of analyses of networks, and of statistics of pipes."""

from __future__ import annotations

from typing import Final

from models.network.flow import Basis
from twin.analyses.schemas import (
    BRIEF,
    COUNT,
    FLAG,
    LENGTH,
    NODE,
    NUMBER,
    TEXT,
    Schema,
    by_name,
    many,
    maybe,
    one_of,
    record,
)

_PART: Final = record(count=COUNT, length=LENGTH, segments=many(BRIEF))
_SUM: Final = record(count=COUNT, length=NUMBER)

_TRACE: Final = record(
    direction=one_of(("upstream", "downstream")),
    count=COUNT,
    length=LENGTH,
    uncertain=COUNT,
    segments=many(record(distance=LENGTH, certain=FLAG, flow_unknown=FLAG, segment=BRIEF)),
    stopped_at=many(NODE),
    ends=many(NODE),
)

_SOURCE: Final = record(
    node=NODE,
    count=COUNT,
    velocity=record(computed_share=NUMBER, default=NUMBER),
    sources=many(
        record(minutes=NUMBER, distance=LENGTH, certain=FLAG, discharger=FLAG, point=NODE)
    ),
)

_ISOLATION: Final = record(
    supplied=FLAG,
    cut=_PART,
    lost=_PART,
    customers_count=COUNT,
    **dict.fromkeys(("close", "spared", "inoperable", "customers", "sources_inside"), many(NODE)),
)

_DUCTS: Final = record(
    length=NUMBER,
    free=maybe(COUNT),
    free_at_most=maybe(COUNT),
    unknown=COUNT,
    tightest=many(COUNT),
    nodes=many(NODE),
    spans=many(
        record(
            length=LENGTH,
            segment=BRIEF,
            **dict.fromkeys(("holes", "holes_used", "free"), maybe({"type": "integer"})),
        )
    ),
)

_FLOW: Final = record(
    count=COUNT,
    basis=by_name(COUNT),
    opposed=COUNT,
    split=COUNT,
    segments=many(
        record(
            flow={"type": "integer", "enum": [-1, 0, 1]},
            stored={"type": "integer", "enum": [-1, 0, 1]},
            basis=one_of(b.name.lower() for b in Basis),
            opposed=FLAG,
            split=FLAG,
            run_fall=LENGTH,
            run_sigma=LENGTH,
            segment=BRIEF,
        )
    ),
)

_GROUPS: Final = {
    "class_code": maybe(TEXT),
    "material": maybe(TEXT),
    "decade": maybe({"type": "integer"}),
}
_AGEING: Final = record(
    year={"type": "integer"},
    old=NUMBER,
    mean_age=maybe(NUMBER),
    **{
        name: many(record(count=COUNT, length=NUMBER, **{key: _GROUPS[key] for key in keys}))
        for name, keys in {
            "by_class": ("class_code",),
            "by_material": ("material",),
            "by_decade": ("decade",),
            "groups": tuple(_GROUPS),
        }.items()
    },
    **dict.fromkeys(("total", "known", "unknown", "older", "abandoned"), _SUM),
)

_CONNECTIVITY: Final = record(
    connected=FLAG,
    component=record(segments=COUNT, length=LENGTH),
    path=maybe(record(length=LENGTH, nodes=many(NODE), segments=many(BRIEF))),
)

NETWORK: Final[dict[str, Schema]] = {
    "connectivity": _CONNECTIVITY,
    "trace": _TRACE,
    "source": _SOURCE,
    "isolation": _ISOLATION,
    "ducts": _DUCTS,
    "flow-direction": _FLOW,
    "ageing": _AGEING,
}
