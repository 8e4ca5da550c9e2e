"""What a feature is answered as, as SQL text: properties and geometry, in GeoJSON or plain.

The JSON is written by the database, since its text can then pass to the client unread. Members are
joined by ``concat``, which copies each once.
Numbers are told as exactly as anything here is known: lengths to the millimetre.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from models.db.features_query import expression, plan
from models.features import TABLES

_DEGREES: Final = 4490
#: Declared types whose text is their JSON.
_BARE: Final = ("integer", "smallint", "double precision", "jsonb")
#: A function takes no more.
_MOST_ARGUMENTS: Final = 100
#: Names of all datasets by id, found once a statement.
_DATASETS: Final = "(SELECT jsonb_object_agg(d.id, d.name) FROM dataset AS d)"


def told(table: str, name: str, declared: str) -> str:
    """The value of a property as it is told, as SQL: numbers to a thousandth of their unit."""
    if name == "dataset":
        return f"({_DATASETS} ->> t.dataset_id::text)"
    column = expression(table, name)
    if declared == "double precision":
        return f"(round({column} * 1000) / 1000)"
    return column


def properties_json(table: str, fields: Mapping[str, str]) -> str:
    """A JSON object of ``fields`` (property -> declared type) as SQL; nulls are members too."""
    return _joined(["'{'", *_members(table, fields), "'}'"])


def _members(table: str, fields: Mapping[str, str]) -> Iterator[str]:
    """Texts that follow one another to ``"name":value,…``, as SQL."""
    comma = ""
    for name, declared in fields.items():
        key, value = f'{comma}"{name}":', told(table, name, declared)
        if declared in _BARE:  # its text is its JSON: a cast less than by to_json
            yield f"CASE WHEN {expression(table, name)} IS NULL THEN '{key}null' ELSE '{key}' END"
            yield value
        else:
            yield f"'{key}'"
            yield f"coalesce(to_json({value}), 'null')"
        comma = ","


def _joined(texts: Sequence[str]) -> str:
    """The texts one after the other, as SQL: the fewer calls there are, the less is copied."""
    firsts = range(0, len(texts), _MOST_ARGUMENTS)
    parts = [f"concat({', '.join(texts[i : i + _MOST_ARGUMENTS])})" for i in firsts]
    return parts[0] if len(parts) == 1 else f"concat({', '.join(parts)})"


def geometry_in(table: str, storage: int, srid: int, flipped: bool) -> str:
    """The feature's plan in EPSG:``srid`` as SQL, north first where ``flipped``.

    ``srid`` is the storage CRS, 4490 (degrees of the storage CRS's own datum, so that only the
    projection is undone) or one that is projected from degrees, which are taken as WGS84's then.
    """
    shape = plan(table)
    if shape == "t.geom":
        shape = "ST_Force2D(t.geom)"
    if srid != storage:
        shape = f"ST_Transform({shape}, {_DEGREES})"
        if srid != _DEGREES:
            shape = f"ST_Transform(ST_SetSRID({shape}, 4326), {srid})"
    return f"ST_FlipCoordinates({shape})" if flipped else shape


def feature_json(table: str, fields: Mapping[str, str], geometry: str | None, digits: int) -> str:
    """A GeoJSON Feature (RFC 7946) as SQL; ``geometry`` None leaves it null."""
    begin = _begin(geometry, digits)
    return _joined([*begin, """',"properties":{'""", *_members(table, fields), "'}}'"])


def _begin(geometry: str | None, digits: int) -> list[str]:
    shape = "'null'"
    if geometry is not None:
        shape = f"coalesce(ST_AsGeoJSON({geometry}, {digits:d}, 0), 'null')"
    return ["""'{"type":"Feature","id":"'""", "t.id", """'","geometry":'""", shape]


def feature_bytes(table: str, fields: Mapping[str, str], geometry: str | None, digits: int) -> str:
    """As :func:`feature_json`, but ``bytea``, texts first and in two thirds of the time: they are
    written at once, and nothing is checked for its encoding a second time."""
    texts = [name for name, declared in fields.items() if declared == "text"]
    if not texts:
        return f"textsend({feature_json(table, fields, geometry, digits)})"
    names = ", ".join(f"'{name}'" for name in texts)
    values = ", ".join(told(table, name, "text") for name in texts)
    # its closing brace is opened again for what is no text
    written = f"rtrim(json_send(json_object(ARRAY[{names}], ARRAY[{values}])), '}}')"
    others = {name: declared for name, declared in fields.items() if name not in texts}
    begin = _joined([*_begin(geometry, digits), """',"properties":'"""])
    rest = _joined([*(["','"] if others else []), *_members(table, others), "'}}'"])
    return f"textsend({begin}) || {written} || textsend({rest})"


def body(table: str) -> str:
    """The stored geometry with its heights as little-endian WKB.

    A polyhedral surface comes as a multipolygon of its faces, whose layout is the same: GEOS reads
    no polyhedral surface.
    """
    wkb = "ST_AsBinary(t.geom, 'NDR')"
    if TABLES[table]["geom"] == "geometry(PolyhedralSurfaceZ)":
        # type 1015 (PolyhedralSurface Z) becomes 1006 (MultiPolygon Z)
        return f"overlay({wkb} placing '\\xee030000'::bytea from 2 for 4)"
    return wkb


def raised_plan(table: str) -> str:
    """The plan with heights, as WKB in the storage CRS: of a box, its outline at its foot."""
    if plan(table) == "t.geom":
        return "ST_AsBinary(t.geom, 'NDR')"
    return f"ST_AsBinary(ST_Force3DZ({plan(table)}, ST_ZMin(t.geom)), 'NDR')"


def plain_columns(table: str, fields: Mapping[str, str], *, as_text: bool) -> list[str]:
    """The columns themselves as SQL, or their texts; JSON and ids are text in both cases."""
    out = []
    for name, declared in fields.items():
        column = told(table, name, declared)
        if declared == "timestamptz" and as_text:
            column = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        elif as_text or declared in ("jsonb", "uuid"):
            column = f"{column}::text"
        out.append(column)
    return out


def plan_wkb(table: str, storage: int, srid: int) -> str:
    """The plan in EPSG:``srid`` as WKB, east first, as files of any format have it."""
    return f"ST_AsBinary({geometry_in(table, storage, srid, False)}, 'NDR')"
