"""JSON Schema (2020-12) of the results of analyses in space."""

from __future__ import annotations

from typing import Final, get_args

from twin.analyses.schemas import (
    COUNT,
    FLAG,
    ID,
    LENGTH,
    NUMBER,
    PLACE,
    POSITION,
    TEXT,
    Schema,
    by_name,
    many,
    maybe,
    one_of,
    record,
)
from twin.analyses.space_requests import Layer

_LAYER: Final = one_of(get_args(Layer))


def _feature(**more: Schema) -> Schema:
    """A feature: its id, layer and those of its attributes that are known."""
    return record(id=ID, layer=_LAYER, **more)


_HIT: Final = record(
    ("id",), id=ID, layer=one_of((*get_args(Layer), "terrain")), distance=NUMBER, at=PLACE,
    through=LENGTH,
)  # fmt: skip
_SUMS: Final = (
    *("footprint_area", "floor_area", "surface_area", "volume"),
    *("length", "outer_volume", "inner_volume"),
)
_STATE: Final = record(datetime=maybe(TEXT), as_of=maybe(TEXT))
_CHANGED: Final = record(id=ID)

SPACE: Final[dict[str, Schema]] = {
    "within": record(
        count=COUNT,
        by_layer=by_name(COUNT),
        features=many(
            record(
                ("distance",),
                id=ID,
                layer=_LAYER,
                relation=one_of(("within", "crosses")),
                distance=NUMBER,
            )
        ),
    ),
    "nearest": record(
        count=COUNT, reach=NUMBER, features=many(_feature(distance=NUMBER, on=PLACE))
    ),
    "line-of-sight": record(length=NUMBER, visible=FLAG, first=maybe(_HIT), hits=many(_HIT)),
    "column": record(
        point=POSITION,
        ground=LENGTH,
        count=COUNT,
        features=many(
            record(
                ("id", "kind", "source", "depth", "clearance"),
                id=ID,
                layer=one_of((*get_args(Layer), "places")),
                kind=TEXT,
                source=TEXT,
                top=LENGTH,
                bottom=LENGTH,
                distance=NUMBER,
                depth=NUMBER,
                clearance=NUMBER,
            )
        ),
    ),
    "terrain-height": record(
        points=many(
            record(position=POSITION, height=LENGTH, source=one_of(("terrain", "points", "none")))
        )
    ),
    "volume-and-area": record(
        count=COUNT,
        layers=by_name(
            record(
                ("unknown", *_SUMS),
                count=COUNT,
                unknown=by_name(COUNT),
                **dict.fromkeys(_SUMS, NUMBER),
            )
        ),
    ),
    "overlaps": record(
        count=COUNT,
        by_relation=by_name(COUNT),
        pairs=many(
            record(
                ("intersects", "length", "area"),
                relation=one_of(("under", "over", "in", "unknown")),
                gap=LENGTH,
                intersects=FLAG,
                length=NUMBER,
                area=NUMBER,
                feature=_feature(),
                other=_feature(),
            )
        ),
    ),
    "differences": record(
        before=_STATE,
        after=_STATE,
        counts=record(added=COUNT, removed=COUNT, changed=COUNT),
        added=many(_CHANGED),
        removed=many(_CHANGED),
        changed=many(record(id=ID, moved=LENGTH, properties=by_name({"type": "object"}))),
    ),
}
