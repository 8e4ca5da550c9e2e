"""Words for JSON Schemas (2020-12) of what analyses answer, and the envelope of every answer.

Members that are not named as optional are always there; what is unknown is null. Others may be
added later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
FLAG: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
ID: Final[Schema] = {"type": "string", "format": "uuid"}


def maybe(schema: Schema) -> Schema:
    """The same or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema, least: int = 0, most: int | None = None) -> Schema:
    """A list."""
    bounds = {"minItems": least} if least else {}
    return {"type": "array", "items": schema, **bounds, **({"maxItems": most} if most else {})}


def one_of(words: Iterable[str]) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": [str(word) for word in words]}


def by_name(schema: Schema) -> Schema:
    """Values under names that are not known beforehand."""
    return {"type": "object", "additionalProperties": schema}


def record(optional: Iterable[str] = (), /, **members: Schema) -> Schema:
    """An object; ``optional`` members may be missing."""
    needed = [name for name in members if name not in set(optional)]
    return {"type": "object", **({"required": needed} if needed else {}), "properties": members}


#: Metres, or null where it is unknown.
LENGTH: Final = maybe(NUMBER)
POSITION: Final = many(LENGTH, 2, 2)
PLACE: Final = many(LENGTH, 3, 3)
RING: Final = many(POSITION)
ENDS: Final = many(LENGTH, 2, 2)
_BOTH: Final = record(zh=TEXT, en=TEXT)
_SPAN: Final = record(least=LENGTH, greatest=LENGTH, unknown=COUNT)

_KEYS: Final = ("key", "class_code", "owner")
#: What identifies a segment.
BRIEF: Final = record(_KEYS, id=ID, **dict.fromkeys(_KEYS, TEXT))
_OUTER: Final = {"outer_nominal": FLAG, "sigma_xy": LENGTH, "sigma_z": LENGTH}
#: A segment with what an engineer asks of it first; unknown attributes are left out.
SEGMENT: Final = record(
    ("key", "class_code", "owner", *_OUTER),
    id=ID,
    key=TEXT,
    class_code=TEXT,
    owner=TEXT,
    size=maybe(TEXT),
    outer_width=LENGTH,
    outer_height=LENGTH,
    **_OUTER,
    **{"class": maybe(_BOTH)},
)
_NAMES: Final = ("id", "exp_no", "class_code", "feature", "appurtenance")
NODE: Final = record(_NAMES, position=POSITION, **(dict.fromkeys(_NAMES, TEXT) | {"id": ID}))

_TOLD: Final = maybe(TEXT)
DATUM: Final = record(
    horizontal=TEXT,
    vertical=TEXT,
    axis_order=many(TEXT),
    datasets=many(
        record(
            dataset=TEXT,
            horizontal=_TOLD,
            vertical=_TOLD,
            epoch=_TOLD,
            method=_TOLD,
            accuracy=LENGTH,
        )
    ),
)
ACCURACY: Final = record(
    ("ground",),
    sigma=NUMBER,
    unit=TEXT,
    plan=_SPAN,
    height=_SPAN,
    ground=record(source=TEXT, zh=TEXT, en=TEXT),
)
REVISION: Final = record(
    dataset=TEXT, number=COUNT, recorded={"type": "string", "format": "date-time"}
)
NOTE: Final = record(code=TEXT, zh=TEXT, en=TEXT)

#: Schemas that many answers share, by the names that the API definition has for them.
SHARED: Final[dict[str, Schema]] = {
    "PipeSegment": SEGMENT,
    "PipeSegmentKey": BRIEF,
    "NetworkNode": NODE,
    "Datum": DATUM,
    "Accuracy": ACCURACY,
    "Revision": REVISION,
    "Note": NOTE,
}


def envelope(result: Schema) -> Schema:
    """An answer (:class:`twin.analyses.answer.Answer`) with that result."""
    return record(
        result=result,
        datum=DATUM,
        accuracy=ACCURACY,
        revisions=many(REVISION),
        notes=many(NOTE),
    )
