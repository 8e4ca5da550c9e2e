"""JSON Schema (2020-12) of the results of analyses that measure pipes."""

from __future__ import annotations

from typing import Final

from models.clearance.judge import Verdict
from twin.analyses.pit_pipes import STATES
from twin.analyses.schemas import (
    COUNT,
    ENDS,
    FLAG,
    LENGTH,
    NODE,
    NUMBER,
    PLACE,
    POSITION,
    RING,
    SEGMENT,
    TEXT,
    Schema,
    by_name,
    many,
    maybe,
    one_of,
    record,
)

_GROUND: Final = record(source=TEXT, zh=TEXT, en=TEXT, profile=many(ENDS))
_LIMIT: Final = {
    "limit": LENGTH,
    "rule": maybe(TEXT),
    "verified": FLAG,
    "missing": many(TEXT),
    "verdict": one_of(Verdict),
}

_SECTION: Final = record(
    line=many(POSITION, 2),
    length=NUMBER,
    ground=_GROUND,
    pipes=many(
        record(
            number=COUNT,
            position=POSITION,
            crossing_angle=NUMBER,
            section=one_of(("box", "ellipse")),
            depth_measured_to=maybe(TEXT),
            segment=SEGMENT,
            **dict.fromkeys(
                ("s", "z", "half_s", "half_z", "top", "bottom", "invert", "ground", "cover",
                 "depth"), LENGTH),
        )
    ),
    along=many(
        record(s=many(LENGTH), z=many(LENGTH), off_plane=LENGTH, half_z=LENGTH, segment=SEGMENT)
    ),
    clearances=many(
        record(a=COUNT, b=COUNT, horizontal=LENGTH, vertical=LENGTH, least=LENGTH,
               above=maybe(COUNT))
    ),
)  # fmt: skip

_PROFILE: Final = record(
    length=NUMBER,
    nodes=many(
        record(
            chainage=LENGTH,
            position=POSITION,
            ground=LENGTH,
            well_bottom=LENGTH,
            **dict.fromkeys(("id", "exp_no", "feature", "appurtenance"), maybe(TEXT)),
        )
    ),
    segments=many(
        record(
            length=LENGTH,
            forward=FLAG,
            depth_measured_to=maybe(TEXT),
            slope=maybe(NUMBER),
            segment=SEGMENT,
            **dict.fromkeys(("chainage", "invert", "top", "bottom", "cover", "depth"), ENDS),
        )
    ),
    ground=_GROUND,
    crossings=many(
        record(
            number=COUNT,
            crossing_angle=NUMBER,
            position=maybe(one_of(("below", "above"))),
            segment=SEGMENT,
            **dict.fromkeys(("chainage", "z", "half_s", "half_z", "clearance"), LENGTH),
        )
    ),
)

_CLEARANCE: Final = record(
    segments=COUNT,
    count=COUNT,
    verdicts=by_name(COUNT),
    pairs=many(
        record(
            distance=LENGTH, sigma=LENGTH, outer_nominal=FLAG, a_at=PLACE, b_at=PLACE, a=SEGMENT,
            b=SEGMENT, **_LIMIT,
        )
    ),
)  # fmt: skip

_FOUNDATION: Final = record(
    count=COUNT,
    pipes=many(
        record(
            distance=LENGTH, laid=LENGTH, table=LENGTH, deep=LENGTH, sigma=LENGTH,
            position=POSITION, segment=SEGMENT, **_LIMIT,
        )
    ),
)  # fmt: skip

_COVER: Final = record(
    count=COUNT,
    samples=COUNT,
    unknown=COUNT,
    surface=maybe(TEXT),
    segments=many(
        record(
            (*_LIMIT, "samples"),
            least=record(
                cover=LENGTH, chainage=LENGTH, position=POSITION, ground=LENGTH, top=LENGTH
            ),
            segment=SEGMENT,
            samples=many(many(LENGTH, 4, 4)),
            **_LIMIT,
        )
    ),
)

_BUFFER: Final = record(
    count=COUNT,
    by_class=by_name(COUNT),
    segments=many(record(distance=LENGTH, segment=SEGMENT)),
    points_count=COUNT,
    points=many(record(distance=LENGTH, point=NODE)),
)

_EXCAVATION: Final = record(
    polygon=RING,
    floor=RING,
    top=RING,
    depth=NUMBER,
    slope=NUMBER,
    working_width=NUMBER,
    margin=NUMBER,
    ground=record(least=LENGTH, mean=LENGTH, greatest=LENGTH),
    floor_height=LENGTH,
    floor_area=LENGTH,
    top_area=LENGTH,
    volume=LENGTH,
    section=many(POSITION, 2, 2),
    pipes=many(
        record(
            number=COUNT,
            state=one_of(STATES),
            exposed_length=LENGTH,
            clearance=LENGTH,
            top_above_floor=LENGTH,
            error=record(plan=LENGTH, height=LENGTH, assumed=FLAG),
            hand_dig=maybe(record(polygons=many(RING), upper=LENGTH, lower=LENGTH)),
            segment=SEGMENT,
        )
    ),
    owners=many(
        record(owner=maybe(TEXT), pipes=COUNT, exposed_length=NUMBER, classes=many(maybe(TEXT)))
    ),
)

MEASURES: Final[dict[str, Schema]] = {
    "section": _SECTION,
    "profile": _PROFILE,
    "horizontal-clearance": _CLEARANCE,
    "vertical-clearance": _CLEARANCE,
    "clash": _CLEARANCE,
    "foundation-clearance": _FOUNDATION,
    "cover": _COVER,
    "buffer": _BUFFER,
    "excavation": _EXCAVATION,
}
